/** Validates a manifest. Generated from `manifest.schema.json` by `make validators`. */

"use strict";
export const validate = validate52;
export default validate52;
const schema19 = {"type":"object","required":["format","input","output","threshold","opset","ir_version","min_onnxruntime","converter","versions","parity","golden","top_k","statistics","files","int8"],"additionalProperties":false,"properties":{"format":{"type":"integer","enum":[1,2],"minimum":-9007199254740991,"maximum":9007199254740991},"requires":{"type":"array","maxItems":64,"items":{"type":"string","pattern":"^[a-z][a-z0-9-]{0,63}$"}},"input":{"allOf":[{"$ref":"#/$defs/tensor"},{"properties":{"name":{"const":"x"}}}]},"inputs":{"type":"array","minItems":1,"maxItems":64,"items":{"$ref":"#/$defs/named_input"}},"lengths":{"type":"object","required":["least"],"additionalProperties":false,"properties":{"least":{"type":"array","minItems":1,"maxItems":7,"items":{"type":"integer","minimum":1,"maximum":9007199254740991}}}},"columns":{"type":"array","minItems":1,"maxItems":65536,"items":{"type":"string"}},"categories":{"type":"object","additionalProperties":{"type":"array","minItems":1,"maxItems":256,"items":{"type":"string"}}},"features":{"allOf":[{"$ref":"#/$defs/tensor"},{"properties":{"name":{"const":"features"}}}]},"offset":{"type":["array","null"],"minItems":1,"maxItems":65536,"items":{"type":"number","minimum":-3.5e+38,"maximum":3.5e+38}},"scale":{"type":["array","null"],"minItems":1,"maxItems":65536,"items":{"type":"number","exclusiveMinimum":0,"maximum":3.5e+38}},"output":{"allOf":[{"$ref":"#/$defs/tensor"},{"properties":{"name":{"const":"code"}}}]},"threshold":{"type":"number"},"thresholds":{"type":["array","null"],"minItems":1,"maxItems":2,"items":{"$ref":"#/$defs/gate"}},"calibration":{"type":["object","null"],"if":{"type":"null"},"then":{},"else":{"$ref":"#/$defs/calibration"}},"missing":{"enum":["mean","mask"]},"opset":{"type":"integer","minimum":13,"maximum":18},"ir_version":{"enum":[7,8]},"min_onnxruntime":{"type":"string","pattern":"^[0-9]{1,4}(\\.[0-9]{1,4}){0,3}$"},"converter":{"enum":["builder","tf2onnx","jax2onnx","torch.onnx"]},"versions":{"type":"object","required":["backend","keras","keras-sparse-export","numpy","onnx","onnxruntime"],"propertyNames":{"pattern":"^[A-Za-z0-9._-]{1,64}$"},"properties":{"backend":{"enum":["tensorflow","jax","torch"]}},"additionalProperties":{"type":"string","pattern":"^[ -~]{1,64}$"}},"parity":{"type":"object","required":["encoder"],"additionalProperties":false,"properties":{"encoder":{"$ref":"#/$defs/parity"},"decoder":{"$ref":"#/$defs/parity"},"score":{"$ref":"#/$defs/parity"}}},"golden":{"type":"object","required":["kind","rows"],"additionalProperties":false,"properties":{"kind":{"enum":["real","synthetic","none"]},"rows":{"type":"integer","minimum":0,"maximum":1024}},"if":{"properties":{"kind":{"const":"none"}}},"then":{"properties":{"rows":{"const":0}}},"else":{"properties":{"rows":{"minimum":1}}}},"top_k":{"type":["object","null"],"if":{"type":"null"},"then":{},"else":{"$ref":"#/$defs/top_k"}},"int8":{"type":["object","null"],"if":{"type":"null"},"then":{},"else":{"$ref":"#/$defs/int8"}},"statistics":{"type":["object","null"],"if":{"type":"null"},"then":{},"else":{"$ref":"#/$defs/statistics"}},"files":{"type":"object","required":["README.md","encoder.onnx"],"propertyNames":{"pattern":"^[A-Za-z0-9_][A-Za-z0-9 ._-]{0,127}$"},"additionalProperties":{"$ref":"#/$defs/file"}},"variants":{"$ref":"#/$defs/variants"},"score":{"$ref":"#/$defs/score"},"windows":{"$ref":"#/$defs/windows"},"rounding":{"$ref":"#/$defs/rounding"}},"if":{"properties":{"format":{"const":1}}},"then":{},"else":{"required":["requires"],"properties":{"threshold":{"minimum":0}}},"$defs":{"tensor":{"type":"object","required":["name","shape","dtype"],"additionalProperties":false,"properties":{"name":{},"shape":{"type":"array","minItems":1,"items":{"type":"integer","minimum":1,"maximum":16777216},"maxItems":8},"dtype":{"const":"float32"}}},"named_input":{"type":"object","required":["name","shape","whole"],"additionalProperties":false,"properties":{"name":{"type":"string","pattern":"^[A-Za-z0-9_ .:()-]{1,64}$"},"shape":{"type":"array","minItems":1,"maxItems":7,"items":{"type":"integer","minimum":1,"maximum":16777216}},"whole":{"type":["array","null"],"minItems":2,"maxItems":2,"items":{"type":"integer","minimum":-16777215,"maximum":16777215}}}},"parity":{"type":"object","required":["max_abs_error","tolerance","rows","batch_sizes"],"additionalProperties":false,"properties":{"max_abs_error":{"type":"number","minimum":0},"tolerance":{"type":"number","exclusiveMinimum":0},"rows":{"type":"integer","minimum":1,"maximum":9007199254740991},"batch_sizes":{"type":"array","minItems":1,"items":{"type":"integer","minimum":1,"maximum":9007199254740991}}}},"gate":{"type":"object","required":["pass","operator","values"],"additionalProperties":false,"properties":{"pass":{"type":"integer","minimum":1,"maximum":2},"operator":{"enum":["ThresholdedRelu","Greater"]},"values":{"type":"array","minItems":1,"items":{"type":"number","minimum":0,"maximum":3.5e+38}}}},"calibration":{"type":"object","required":["l0","threshold"],"additionalProperties":false,"properties":{"l0":{"type":"array","minItems":1,"maxItems":4096,"items":{"type":"number","minimum":0}},"threshold":{"type":"array","minItems":1,"maxItems":4096,"items":{"type":"number","minimum":0,"maximum":3.5e+38}}}},"top_k":{"type":"object","required":["k","values","indices","ties","bytes_per_row","dense_bytes_per_row"],"additionalProperties":false,"properties":{"k":{"type":"integer","minimum":1,"maximum":9007199254740991},"values":{"const":"values"},"indices":{"const":"indices"},"ties":{"const":"lower index first"},"bytes_per_row":{"type":"integer","minimum":8,"maximum":9007199254740991},"dense_bytes_per_row":{"type":"integer","minimum":4,"maximum":9007199254740991}}},"statistics":{"type":"object","required":["rows","l0","dead_units","mean_activation","active_share","activation_std","active_std","activation_skewness","active_skewness","drift"],"properties":{"rows":{"type":"integer","minimum":1,"maximum":9007199254740991},"l0":{"type":"number","minimum":0},"dead_units":{"type":"integer","minimum":0,"maximum":9007199254740991},"mean_activation":{"type":"array","items":{"type":"number","minimum":-3.5e+38,"maximum":3.5e+38}},"active_share":{"type":"array","items":{"type":"number","minimum":0,"maximum":1}},"activation_std":{"type":"array","items":{"type":"number","minimum":0,"maximum":3.5e+38}},"active_std":{"type":"array","items":{"type":"number","minimum":0,"maximum":1}},"activation_skewness":{"type":"array","items":{"type":"number","minimum":-1000000000,"maximum":1000000000}},"active_skewness":{"type":"array","items":{"type":"number","minimum":-1000000000,"maximum":1000000000}},"drift":{"type":["object","null"],"if":{"type":"null"},"then":{},"else":{"$ref":"#/$defs/drift"}},"columns":{"$ref":"#/$defs/columns"}},"additionalProperties":false},"columns":{"type":"object","required":["rows","mean","std","skewness"],"additionalProperties":false,"properties":{"rows":{"type":"array","minItems":1,"maxItems":16384,"items":{"type":"integer","minimum":0,"maximum":9007199254740991}},"mean":{"type":"array","minItems":1,"maxItems":16384,"items":{"type":"number","minimum":-3.5e+38,"maximum":3.5e+38}},"std":{"type":"array","minItems":1,"maxItems":16384,"items":{"type":"number","minimum":0,"maximum":3.5e+38}},"skewness":{"type":"array","minItems":1,"maxItems":16384,"items":{"type":"number","minimum":-1000000000,"maximum":1000000000}}}},"file":{"type":"object","required":["sha256","size"],"additionalProperties":false,"properties":{"sha256":{"type":"string","pattern":"^[0-9a-f]{64}$"},"size":{"type":"integer","minimum":0,"maximum":2147483647}}},"drift":{"type":"object","required":["false_alarm_rate","replicates","batch_sizes","thresholds","spread_weights","total_weights","total"],"additionalProperties":false,"properties":{"false_alarm_rate":{"type":"number","exclusiveMinimum":0,"maximum":0.5},"replicates":{"type":"integer","minimum":1,"maximum":9007199254740991},"batch_sizes":{"type":"array","minItems":1,"items":{"type":"integer","minimum":1,"maximum":9007199254740991}},"thresholds":{"type":"array","items":{"type":"number","exclusiveMinimum":0}},"spread_weights":{"type":"array","items":{"type":"number","minimum":0}},"total_weights":{"type":"array","items":{"type":"number","minimum":0}},"total":{"type":"object","required":["mean","std","skewness"],"additionalProperties":false,"properties":{"mean":{"type":"array","minItems":2,"maxItems":2,"items":{"type":"number","minimum":-3.5e+38,"maximum":3.5e+38}},"std":{"type":"array","minItems":2,"maxItems":2,"items":{"type":"number","minimum":0,"maximum":3.5e+38}},"skewness":{"type":"array","minItems":2,"maxItems":2,"items":{"type":"number","minimum":-1000000000,"maximum":1000000000}}}}}},"comparison":{"type":"object","required":["jaccard","jaccard_per_row","top_k","top_k_overlap","l0_float32","l0_int8","cosine","max_abs_error","mse_float32","mse_int8","probe_float32","probe_int8","file_bytes_float32","file_bytes_int8","weight_bytes_float32","weight_bytes_int8"],"additionalProperties":false,"properties":{"jaccard":{"type":"number","minimum":0,"maximum":1},"jaccard_per_row":{"type":"number","minimum":0,"maximum":1},"top_k":{"type":"integer","minimum":1,"maximum":9007199254740991},"top_k_overlap":{"type":"number","minimum":0,"maximum":1},"l0_float32":{"type":"number","minimum":0},"l0_int8":{"type":"number","minimum":0},"cosine":{"type":"number","minimum":-1,"maximum":1.000001},"max_abs_error":{"type":"number","minimum":0},"mse_float32":{"type":["number","null"],"minimum":0},"mse_int8":{"type":["number","null"],"minimum":0},"probe_float32":{"type":["number","null"],"minimum":0,"maximum":1},"probe_int8":{"type":["number","null"],"minimum":0,"maximum":1},"file_bytes_float32":{"type":"integer","minimum":0,"maximum":9007199254740991},"file_bytes_int8":{"type":"integer","minimum":0,"maximum":9007199254740991},"weight_bytes_float32":{"type":"integer","minimum":0,"maximum":9007199254740991},"weight_bytes_int8":{"type":"integer","minimum":0,"maximum":9007199254740991}}},"int8":{"type":"object","required":["kept","reasons","report"],"additionalProperties":false,"properties":{"kept":{"type":"boolean"},"reasons":{"type":"array","items":{"type":"string","pattern":"^[^\\u0000-\\u001f\\u007f-\\u009f\\ud800-\\udfff]{0,1000}$"}},"report":{"type":"object","additionalProperties":false,"properties":{"static":{"$ref":"#/$defs/comparison"},"dynamic":{"$ref":"#/$defs/comparison"},"weights":{"$ref":"#/$defs/comparison"}}},"method":{"enum":["static","dynamic","weights"]},"weight_bits":{"enum":[7,8]},"activation":{"enum":["uint8","float32"]},"portable":{"type":"boolean"},"portability":{"type":"string","pattern":"^[^\\u0000-\\u001f\\u007f-\\u009f\\ud800-\\udfff]{0,1000}$"},"calibration_rows":{"type":"integer","minimum":1,"maximum":9007199254740991},"held_out_rows":{"type":"integer","minimum":1,"maximum":9007199254740991},"parity":{"type":"object","required":["jaccard","max_abs_error","rows","batch_sizes"],"additionalProperties":false,"properties":{"jaccard":{"type":"number","minimum":0,"maximum":1},"max_abs_error":{"type":"number","minimum":0},"rows":{"type":"integer","minimum":1,"maximum":9007199254740991},"batch_sizes":{"type":"array","items":{"type":"integer","minimum":1,"maximum":9007199254740991}}}},"golden_tolerance":{"type":["number","null"],"exclusiveMinimum":0},"score":{"$ref":"#/$defs/int8_score"}}},"comparison_of_variant":{"type":"object","required":["jaccard","jaccard_per_row","top_k","top_k_overlap","l0_float32","l0_variant","cosine","max_abs_error","mse_float32","mse_variant","probe_float32","probe_variant","file_bytes_float32","file_bytes_variant","weight_bytes_float32","weight_bytes_variant"],"additionalProperties":false,"properties":{"jaccard":{"type":"number","minimum":0,"maximum":1},"jaccard_per_row":{"type":"number","minimum":0,"maximum":1},"top_k":{"type":"integer","minimum":1,"maximum":9007199254740991},"top_k_overlap":{"type":"number","minimum":0,"maximum":1},"l0_float32":{"type":"number","minimum":0},"l0_variant":{"type":"number","minimum":0},"cosine":{"type":"number","minimum":-1,"maximum":1.000001},"max_abs_error":{"type":"number","minimum":0},"mse_float32":{"type":["number","null"],"minimum":0},"mse_variant":{"type":["number","null"],"minimum":0},"probe_float32":{"type":["number","null"],"minimum":0,"maximum":1},"probe_variant":{"type":["number","null"],"minimum":0,"maximum":1},"file_bytes_float32":{"type":"integer","minimum":0,"maximum":9007199254740991},"file_bytes_variant":{"type":"integer","minimum":0,"maximum":9007199254740991},"weight_bytes_float32":{"type":"integer","minimum":0,"maximum":9007199254740991},"weight_bytes_variant":{"type":"integer","minimum":0,"maximum":9007199254740991}}},"variants":{"type":"object","additionalProperties":false,"properties":{"float16":{"$ref":"#/$defs/float16"},"litert":{"$ref":"#/$defs/litert"}}},"float16":{"type":"object","required":["held_out_rows","report","parity"],"additionalProperties":false,"properties":{"held_out_rows":{"type":"integer","minimum":1,"maximum":9007199254740991},"report":{"$ref":"#/$defs/comparison_of_variant"},"parity":{"type":"object","required":["jaccard","max_abs_error","rows","batch_sizes"],"additionalProperties":false,"properties":{"jaccard":{"type":"number","minimum":0,"maximum":1},"max_abs_error":{"type":"number","minimum":0},"rows":{"type":"integer","minimum":1,"maximum":9007199254740991},"batch_sizes":{"type":"array","items":{"type":"integer","minimum":1,"maximum":9007199254740991}}}}}},"litert":{"type":"object","required":["operators","parity"],"additionalProperties":false,"properties":{"operators":{"type":"array","minItems":1,"maxItems":256,"items":{"type":"string","pattern":"^[A-Z][A-Z0-9_]{0,63}$"}},"parity":{"$ref":"#/$defs/parity"}}},"score":{"type":"object","required":["alarm"],"additionalProperties":false,"properties":{"alarm":{"type":["object","null"],"if":{"type":"null"},"then":{},"else":{"$ref":"#/$defs/alarm"}}}},"alarm":{"type":"object","required":["threshold","false_alarm_rate","unit","units","rows","assumes","estimate"],"additionalProperties":false,"properties":{"threshold":{"type":"number","minimum":0,"maximum":3.5e+38},"false_alarm_rate":{"type":"number","exclusiveMinimum":0,"maximum":1},"unit":{"enum":["row","recording"]},"units":{"type":"integer","minimum":2,"maximum":9007199254740991},"rows":{"type":"integer","minimum":2,"maximum":9007199254740991},"assumes":{"type":"string","pattern":"^[^\\u0000-\\u001f\\u007f-\\u009f\\ud800-\\udfff]{0,1000}$"},"estimate":{"type":["object","null"],"if":{"type":"null"},"then":{},"else":{"$ref":"#/$defs/estimate"}}}},"estimate":{"type":"object","required":["needed","thresholds","rates","mean_rate"],"additionalProperties":false,"properties":{"needed":{"type":"integer","minimum":1,"maximum":9007199254740991},"thresholds":{"type":"array","minItems":2,"maxItems":2,"items":{"type":"number","minimum":0,"maximum":3.5e+38}},"rates":{"type":"array","minItems":2,"maxItems":2,"items":{"type":"number","minimum":0,"maximum":1}},"mean_rate":{"type":"number","minimum":0,"maximum":1}}},"windows":{"type":"object","required":["window","hop","sampling_rate","channels"],"additionalProperties":false,"properties":{"window":{"type":"integer","minimum":1,"maximum":16777216},"hop":{"type":"integer","minimum":1,"maximum":9007199254740991},"sampling_rate":{"type":["number","null"],"exclusiveMinimum":0},"channels":{"type":"integer","minimum":1,"maximum":16777216}}},"rounding":{"type":"object","additionalProperties":false,"properties":{"encoder":{"type":"number","exclusiveMinimum":0},"decoder":{"type":"number","exclusiveMinimum":0},"score":{"type":"number","exclusiveMinimum":0},"features":{"type":"number","exclusiveMinimum":0}}},"int8_score":{"type":"object","required":["report","golden_tolerance","alarm"],"additionalProperties":false,"properties":{"report":{"type":"object","additionalProperties":false,"properties":{"static":{"$ref":"#/$defs/score_change"},"weights":{"$ref":"#/$defs/score_change"}}},"golden_tolerance":{"type":["number","null"],"exclusiveMinimum":0},"alarm":{"type":["object","null"],"if":{"type":"null"},"then":{},"else":{"$ref":"#/$defs/alarm"}}}},"score_change":{"type":"object","required":["median_change","largest_change","mean_float32","mean_int8","file_bytes_float32","file_bytes_int8"],"additionalProperties":false,"properties":{"median_change":{"type":"number","minimum":0},"largest_change":{"type":"number","minimum":0},"mean_float32":{"type":"number","minimum":0},"mean_int8":{"type":"number","minimum":0},"file_bytes_float32":{"type":"integer","minimum":0,"maximum":9007199254740991},"file_bytes_int8":{"type":"integer","minimum":0,"maximum":9007199254740991}}}}};
const func1 = Object.prototype.hasOwnProperty;
const pattern3 = new RegExp("^[a-z][a-z0-9-]{0,63}$", "u");
const pattern5 = new RegExp("^[0-9]{1,4}(\\.[0-9]{1,4}){0,3}$", "u");
const pattern6 = new RegExp("^[A-Za-z0-9._-]{1,64}$", "u");
const pattern7 = new RegExp("^[ -~]{1,64}$", "u");
const pattern11 = new RegExp("^[A-Za-z0-9_][A-Za-z0-9 ._-]{0,127}$", "u");
const schema20 = {"type":"object","required":["name","shape","dtype"],"additionalProperties":false,"properties":{"name":{},"shape":{"type":"array","minItems":1,"items":{"type":"integer","minimum":1,"maximum":16777216},"maxItems":8},"dtype":{"const":"float32"}}};

function validate53(data, {instancePath="", parentData, parentDataProperty, rootData=data, dynamicAnchors={}}={}){
let vErrors = null;
let errors = 0;
const evaluated0 = validate53.evaluated;
if(evaluated0.dynamicProps){
evaluated0.props = undefined;
}
if(evaluated0.dynamicItems){
evaluated0.items = undefined;
}
if(errors === 0){
if(data && typeof data == "object" && !Array.isArray(data)){
let missing0;
if((((data.name === undefined) && (missing0 = "name")) || ((data.shape === undefined) && (missing0 = "shape"))) || ((data.dtype === undefined) && (missing0 = "dtype"))){
validate53.errors = [{instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: missing0}}];
return false;
}
else {
const _errs1 = errors;
for(const key0 in data){
if(!(((key0 === "name") || (key0 === "shape")) || (key0 === "dtype"))){
validate53.errors = [{instancePath,schemaPath:"#/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key0}}];
return false;
break;
}
}
if(_errs1 === errors){
if(data.shape !== undefined){
let data0 = data.shape;
const _errs2 = errors;
if(errors === _errs2){
if(Array.isArray(data0)){
if(data0.length > 8){
validate53.errors = [{instancePath:instancePath+"/shape",schemaPath:"#/properties/shape/maxItems",keyword:"maxItems",params:{limit: 8}}];
return false;
}
else {
if(data0.length < 1){
validate53.errors = [{instancePath:instancePath+"/shape",schemaPath:"#/properties/shape/minItems",keyword:"minItems",params:{limit: 1}}];
return false;
}
else {
var valid1 = true;
const len0 = data0.length;
for(let i0=0; i0<len0; i0++){
let data1 = data0[i0];
const _errs4 = errors;
if(!(((typeof data1 == "number") && (!(data1 % 1) && !isNaN(data1))) && (isFinite(data1)))){
validate53.errors = [{instancePath:instancePath+"/shape/" + i0,schemaPath:"#/properties/shape/items/type",keyword:"type",params:{type: "integer"}}];
return false;
}
if(errors === _errs4){
if((typeof data1 == "number") && (isFinite(data1))){
if(data1 > 16777216 || isNaN(data1)){
validate53.errors = [{instancePath:instancePath+"/shape/" + i0,schemaPath:"#/properties/shape/items/maximum",keyword:"maximum",params:{comparison: "<=", limit: 16777216}}];
return false;
}
else {
if(data1 < 1 || isNaN(data1)){
validate53.errors = [{instancePath:instancePath+"/shape/" + i0,schemaPath:"#/properties/shape/items/minimum",keyword:"minimum",params:{comparison: ">=", limit: 1}}];
return false;
}
}
}
}
var valid1 = _errs4 === errors;
if(!valid1){
break;
}
}
}
}
}
else {
validate53.errors = [{instancePath:instancePath+"/shape",schemaPath:"#/properties/shape/type",keyword:"type",params:{type: "array"}}];
return false;
}
}
var valid0 = _errs2 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.dtype !== undefined){
const _errs6 = errors;
if("float32" !== data.dtype){
validate53.errors = [{instancePath:instancePath+"/dtype",schemaPath:"#/properties/dtype/const",keyword:"const",params:{allowedValue: "float32"}}];
return false;
}
var valid0 = _errs6 === errors;
}
else {
var valid0 = true;
}
}
}
}
}
else {
validate53.errors = [{instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}}];
return false;
}
}
validate53.errors = vErrors;
return errors === 0;
}
validate53.evaluated = {"props":true,"dynamicProps":false,"dynamicItems":false};

const schema21 = {"type":"object","required":["name","shape","whole"],"additionalProperties":false,"properties":{"name":{"type":"string","pattern":"^[A-Za-z0-9_ .:()-]{1,64}$"},"shape":{"type":"array","minItems":1,"maxItems":7,"items":{"type":"integer","minimum":1,"maximum":16777216}},"whole":{"type":["array","null"],"minItems":2,"maxItems":2,"items":{"type":"integer","minimum":-16777215,"maximum":16777215}}}};
const pattern4 = new RegExp("^[A-Za-z0-9_ .:()-]{1,64}$", "u");

function validate55(data, {instancePath="", parentData, parentDataProperty, rootData=data, dynamicAnchors={}}={}){
let vErrors = null;
let errors = 0;
const evaluated0 = validate55.evaluated;
if(evaluated0.dynamicProps){
evaluated0.props = undefined;
}
if(evaluated0.dynamicItems){
evaluated0.items = undefined;
}
if(errors === 0){
if(data && typeof data == "object" && !Array.isArray(data)){
let missing0;
if((((data.name === undefined) && (missing0 = "name")) || ((data.shape === undefined) && (missing0 = "shape"))) || ((data.whole === undefined) && (missing0 = "whole"))){
validate55.errors = [{instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: missing0}}];
return false;
}
else {
const _errs1 = errors;
for(const key0 in data){
if(!(((key0 === "name") || (key0 === "shape")) || (key0 === "whole"))){
validate55.errors = [{instancePath,schemaPath:"#/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key0}}];
return false;
break;
}
}
if(_errs1 === errors){
if(data.name !== undefined){
let data0 = data.name;
const _errs2 = errors;
if(errors === _errs2){
if(typeof data0 === "string"){
if(!pattern4.test(data0)){
validate55.errors = [{instancePath:instancePath+"/name",schemaPath:"#/properties/name/pattern",keyword:"pattern",params:{pattern: "^[A-Za-z0-9_ .:()-]{1,64}$"}}];
return false;
}
}
else {
validate55.errors = [{instancePath:instancePath+"/name",schemaPath:"#/properties/name/type",keyword:"type",params:{type: "string"}}];
return false;
}
}
var valid0 = _errs2 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.shape !== undefined){
let data1 = data.shape;
const _errs4 = errors;
if(errors === _errs4){
if(Array.isArray(data1)){
if(data1.length > 7){
validate55.errors = [{instancePath:instancePath+"/shape",schemaPath:"#/properties/shape/maxItems",keyword:"maxItems",params:{limit: 7}}];
return false;
}
else {
if(data1.length < 1){
validate55.errors = [{instancePath:instancePath+"/shape",schemaPath:"#/properties/shape/minItems",keyword:"minItems",params:{limit: 1}}];
return false;
}
else {
var valid1 = true;
const len0 = data1.length;
for(let i0=0; i0<len0; i0++){
let data2 = data1[i0];
const _errs6 = errors;
if(!(((typeof data2 == "number") && (!(data2 % 1) && !isNaN(data2))) && (isFinite(data2)))){
validate55.errors = [{instancePath:instancePath+"/shape/" + i0,schemaPath:"#/properties/shape/items/type",keyword:"type",params:{type: "integer"}}];
return false;
}
if(errors === _errs6){
if((typeof data2 == "number") && (isFinite(data2))){
if(data2 > 16777216 || isNaN(data2)){
validate55.errors = [{instancePath:instancePath+"/shape/" + i0,schemaPath:"#/properties/shape/items/maximum",keyword:"maximum",params:{comparison: "<=", limit: 16777216}}];
return false;
}
else {
if(data2 < 1 || isNaN(data2)){
validate55.errors = [{instancePath:instancePath+"/shape/" + i0,schemaPath:"#/properties/shape/items/minimum",keyword:"minimum",params:{comparison: ">=", limit: 1}}];
return false;
}
}
}
}
var valid1 = _errs6 === errors;
if(!valid1){
break;
}
}
}
}
}
else {
validate55.errors = [{instancePath:instancePath+"/shape",schemaPath:"#/properties/shape/type",keyword:"type",params:{type: "array"}}];
return false;
}
}
var valid0 = _errs4 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.whole !== undefined){
let data3 = data.whole;
const _errs8 = errors;
if((!(Array.isArray(data3))) && (data3 !== null)){
validate55.errors = [{instancePath:instancePath+"/whole",schemaPath:"#/properties/whole/type",keyword:"type",params:{type: schema21.properties.whole.type}}];
return false;
}
if(errors === _errs8){
if(Array.isArray(data3)){
if(data3.length > 2){
validate55.errors = [{instancePath:instancePath+"/whole",schemaPath:"#/properties/whole/maxItems",keyword:"maxItems",params:{limit: 2}}];
return false;
}
else {
if(data3.length < 2){
validate55.errors = [{instancePath:instancePath+"/whole",schemaPath:"#/properties/whole/minItems",keyword:"minItems",params:{limit: 2}}];
return false;
}
else {
var valid2 = true;
const len1 = data3.length;
for(let i1=0; i1<len1; i1++){
let data4 = data3[i1];
const _errs10 = errors;
if(!(((typeof data4 == "number") && (!(data4 % 1) && !isNaN(data4))) && (isFinite(data4)))){
validate55.errors = [{instancePath:instancePath+"/whole/" + i1,schemaPath:"#/properties/whole/items/type",keyword:"type",params:{type: "integer"}}];
return false;
}
if(errors === _errs10){
if((typeof data4 == "number") && (isFinite(data4))){
if(data4 > 16777215 || isNaN(data4)){
validate55.errors = [{instancePath:instancePath+"/whole/" + i1,schemaPath:"#/properties/whole/items/maximum",keyword:"maximum",params:{comparison: "<=", limit: 16777215}}];
return false;
}
else {
if(data4 < -16777215 || isNaN(data4)){
validate55.errors = [{instancePath:instancePath+"/whole/" + i1,schemaPath:"#/properties/whole/items/minimum",keyword:"minimum",params:{comparison: ">=", limit: -16777215}}];
return false;
}
}
}
}
var valid2 = _errs10 === errors;
if(!valid2){
break;
}
}
}
}
}
}
var valid0 = _errs8 === errors;
}
else {
var valid0 = true;
}
}
}
}
}
}
else {
validate55.errors = [{instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}}];
return false;
}
}
validate55.errors = vErrors;
return errors === 0;
}
validate55.evaluated = {"props":true,"dynamicProps":false,"dynamicItems":false};

const schema22 = {"type":"object","required":["pass","operator","values"],"additionalProperties":false,"properties":{"pass":{"type":"integer","minimum":1,"maximum":2},"operator":{"enum":["ThresholdedRelu","Greater"]},"values":{"type":"array","minItems":1,"items":{"type":"number","minimum":0,"maximum":3.5e+38}}}};

function validate59(data, {instancePath="", parentData, parentDataProperty, rootData=data, dynamicAnchors={}}={}){
let vErrors = null;
let errors = 0;
const evaluated0 = validate59.evaluated;
if(evaluated0.dynamicProps){
evaluated0.props = undefined;
}
if(evaluated0.dynamicItems){
evaluated0.items = undefined;
}
if(errors === 0){
if(data && typeof data == "object" && !Array.isArray(data)){
let missing0;
if((((data.pass === undefined) && (missing0 = "pass")) || ((data.operator === undefined) && (missing0 = "operator"))) || ((data.values === undefined) && (missing0 = "values"))){
validate59.errors = [{instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: missing0}}];
return false;
}
else {
const _errs1 = errors;
for(const key0 in data){
if(!(((key0 === "pass") || (key0 === "operator")) || (key0 === "values"))){
validate59.errors = [{instancePath,schemaPath:"#/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key0}}];
return false;
break;
}
}
if(_errs1 === errors){
if(data.pass !== undefined){
let data0 = data.pass;
const _errs2 = errors;
if(!(((typeof data0 == "number") && (!(data0 % 1) && !isNaN(data0))) && (isFinite(data0)))){
validate59.errors = [{instancePath:instancePath+"/pass",schemaPath:"#/properties/pass/type",keyword:"type",params:{type: "integer"}}];
return false;
}
if(errors === _errs2){
if((typeof data0 == "number") && (isFinite(data0))){
if(data0 > 2 || isNaN(data0)){
validate59.errors = [{instancePath:instancePath+"/pass",schemaPath:"#/properties/pass/maximum",keyword:"maximum",params:{comparison: "<=", limit: 2}}];
return false;
}
else {
if(data0 < 1 || isNaN(data0)){
validate59.errors = [{instancePath:instancePath+"/pass",schemaPath:"#/properties/pass/minimum",keyword:"minimum",params:{comparison: ">=", limit: 1}}];
return false;
}
}
}
}
var valid0 = _errs2 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.operator !== undefined){
let data1 = data.operator;
const _errs4 = errors;
if(!((data1 === "ThresholdedRelu") || (data1 === "Greater"))){
validate59.errors = [{instancePath:instancePath+"/operator",schemaPath:"#/properties/operator/enum",keyword:"enum",params:{allowedValues: schema22.properties.operator.enum}}];
return false;
}
var valid0 = _errs4 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.values !== undefined){
let data2 = data.values;
const _errs5 = errors;
if(errors === _errs5){
if(Array.isArray(data2)){
if(data2.length < 1){
validate59.errors = [{instancePath:instancePath+"/values",schemaPath:"#/properties/values/minItems",keyword:"minItems",params:{limit: 1}}];
return false;
}
else {
var valid1 = true;
const len0 = data2.length;
for(let i0=0; i0<len0; i0++){
let data3 = data2[i0];
const _errs7 = errors;
if(errors === _errs7){
if((typeof data3 == "number") && (isFinite(data3))){
if(data3 > 3.5e+38 || isNaN(data3)){
validate59.errors = [{instancePath:instancePath+"/values/" + i0,schemaPath:"#/properties/values/items/maximum",keyword:"maximum",params:{comparison: "<=", limit: 3.5e+38}}];
return false;
}
else {
if(data3 < 0 || isNaN(data3)){
validate59.errors = [{instancePath:instancePath+"/values/" + i0,schemaPath:"#/properties/values/items/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
}
else {
validate59.errors = [{instancePath:instancePath+"/values/" + i0,schemaPath:"#/properties/values/items/type",keyword:"type",params:{type: "number"}}];
return false;
}
}
var valid1 = _errs7 === errors;
if(!valid1){
break;
}
}
}
}
else {
validate59.errors = [{instancePath:instancePath+"/values",schemaPath:"#/properties/values/type",keyword:"type",params:{type: "array"}}];
return false;
}
}
var valid0 = _errs5 === errors;
}
else {
var valid0 = true;
}
}
}
}
}
}
else {
validate59.errors = [{instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}}];
return false;
}
}
validate59.errors = vErrors;
return errors === 0;
}
validate59.evaluated = {"props":true,"dynamicProps":false,"dynamicItems":false};

const schema23 = {"type":"object","required":["l0","threshold"],"additionalProperties":false,"properties":{"l0":{"type":"array","minItems":1,"maxItems":4096,"items":{"type":"number","minimum":0}},"threshold":{"type":"array","minItems":1,"maxItems":4096,"items":{"type":"number","minimum":0,"maximum":3.5e+38}}}};

function validate61(data, {instancePath="", parentData, parentDataProperty, rootData=data, dynamicAnchors={}}={}){
let vErrors = null;
let errors = 0;
const evaluated0 = validate61.evaluated;
if(evaluated0.dynamicProps){
evaluated0.props = undefined;
}
if(evaluated0.dynamicItems){
evaluated0.items = undefined;
}
if(errors === 0){
if(data && typeof data == "object" && !Array.isArray(data)){
let missing0;
if(((data.l0 === undefined) && (missing0 = "l0")) || ((data.threshold === undefined) && (missing0 = "threshold"))){
validate61.errors = [{instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: missing0}}];
return false;
}
else {
const _errs1 = errors;
for(const key0 in data){
if(!((key0 === "l0") || (key0 === "threshold"))){
validate61.errors = [{instancePath,schemaPath:"#/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key0}}];
return false;
break;
}
}
if(_errs1 === errors){
if(data.l0 !== undefined){
let data0 = data.l0;
const _errs2 = errors;
if(errors === _errs2){
if(Array.isArray(data0)){
if(data0.length > 4096){
validate61.errors = [{instancePath:instancePath+"/l0",schemaPath:"#/properties/l0/maxItems",keyword:"maxItems",params:{limit: 4096}}];
return false;
}
else {
if(data0.length < 1){
validate61.errors = [{instancePath:instancePath+"/l0",schemaPath:"#/properties/l0/minItems",keyword:"minItems",params:{limit: 1}}];
return false;
}
else {
var valid1 = true;
const len0 = data0.length;
for(let i0=0; i0<len0; i0++){
let data1 = data0[i0];
const _errs4 = errors;
if(errors === _errs4){
if((typeof data1 == "number") && (isFinite(data1))){
if(data1 < 0 || isNaN(data1)){
validate61.errors = [{instancePath:instancePath+"/l0/" + i0,schemaPath:"#/properties/l0/items/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
else {
validate61.errors = [{instancePath:instancePath+"/l0/" + i0,schemaPath:"#/properties/l0/items/type",keyword:"type",params:{type: "number"}}];
return false;
}
}
var valid1 = _errs4 === errors;
if(!valid1){
break;
}
}
}
}
}
else {
validate61.errors = [{instancePath:instancePath+"/l0",schemaPath:"#/properties/l0/type",keyword:"type",params:{type: "array"}}];
return false;
}
}
var valid0 = _errs2 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.threshold !== undefined){
let data2 = data.threshold;
const _errs6 = errors;
if(errors === _errs6){
if(Array.isArray(data2)){
if(data2.length > 4096){
validate61.errors = [{instancePath:instancePath+"/threshold",schemaPath:"#/properties/threshold/maxItems",keyword:"maxItems",params:{limit: 4096}}];
return false;
}
else {
if(data2.length < 1){
validate61.errors = [{instancePath:instancePath+"/threshold",schemaPath:"#/properties/threshold/minItems",keyword:"minItems",params:{limit: 1}}];
return false;
}
else {
var valid2 = true;
const len1 = data2.length;
for(let i1=0; i1<len1; i1++){
let data3 = data2[i1];
const _errs8 = errors;
if(errors === _errs8){
if((typeof data3 == "number") && (isFinite(data3))){
if(data3 > 3.5e+38 || isNaN(data3)){
validate61.errors = [{instancePath:instancePath+"/threshold/" + i1,schemaPath:"#/properties/threshold/items/maximum",keyword:"maximum",params:{comparison: "<=", limit: 3.5e+38}}];
return false;
}
else {
if(data3 < 0 || isNaN(data3)){
validate61.errors = [{instancePath:instancePath+"/threshold/" + i1,schemaPath:"#/properties/threshold/items/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
}
else {
validate61.errors = [{instancePath:instancePath+"/threshold/" + i1,schemaPath:"#/properties/threshold/items/type",keyword:"type",params:{type: "number"}}];
return false;
}
}
var valid2 = _errs8 === errors;
if(!valid2){
break;
}
}
}
}
}
else {
validate61.errors = [{instancePath:instancePath+"/threshold",schemaPath:"#/properties/threshold/type",keyword:"type",params:{type: "array"}}];
return false;
}
}
var valid0 = _errs6 === errors;
}
else {
var valid0 = true;
}
}
}
}
}
else {
validate61.errors = [{instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}}];
return false;
}
}
validate61.errors = vErrors;
return errors === 0;
}
validate61.evaluated = {"props":true,"dynamicProps":false,"dynamicItems":false};

const schema24 = {"type":"object","required":["max_abs_error","tolerance","rows","batch_sizes"],"additionalProperties":false,"properties":{"max_abs_error":{"type":"number","minimum":0},"tolerance":{"type":"number","exclusiveMinimum":0},"rows":{"type":"integer","minimum":1,"maximum":9007199254740991},"batch_sizes":{"type":"array","minItems":1,"items":{"type":"integer","minimum":1,"maximum":9007199254740991}}}};

function validate63(data, {instancePath="", parentData, parentDataProperty, rootData=data, dynamicAnchors={}}={}){
let vErrors = null;
let errors = 0;
const evaluated0 = validate63.evaluated;
if(evaluated0.dynamicProps){
evaluated0.props = undefined;
}
if(evaluated0.dynamicItems){
evaluated0.items = undefined;
}
if(errors === 0){
if(data && typeof data == "object" && !Array.isArray(data)){
let missing0;
if(((((data.max_abs_error === undefined) && (missing0 = "max_abs_error")) || ((data.tolerance === undefined) && (missing0 = "tolerance"))) || ((data.rows === undefined) && (missing0 = "rows"))) || ((data.batch_sizes === undefined) && (missing0 = "batch_sizes"))){
validate63.errors = [{instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: missing0}}];
return false;
}
else {
const _errs1 = errors;
for(const key0 in data){
if(!((((key0 === "max_abs_error") || (key0 === "tolerance")) || (key0 === "rows")) || (key0 === "batch_sizes"))){
validate63.errors = [{instancePath,schemaPath:"#/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key0}}];
return false;
break;
}
}
if(_errs1 === errors){
if(data.max_abs_error !== undefined){
let data0 = data.max_abs_error;
const _errs2 = errors;
if(errors === _errs2){
if((typeof data0 == "number") && (isFinite(data0))){
if(data0 < 0 || isNaN(data0)){
validate63.errors = [{instancePath:instancePath+"/max_abs_error",schemaPath:"#/properties/max_abs_error/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
else {
validate63.errors = [{instancePath:instancePath+"/max_abs_error",schemaPath:"#/properties/max_abs_error/type",keyword:"type",params:{type: "number"}}];
return false;
}
}
var valid0 = _errs2 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.tolerance !== undefined){
let data1 = data.tolerance;
const _errs4 = errors;
if(errors === _errs4){
if((typeof data1 == "number") && (isFinite(data1))){
if(data1 <= 0 || isNaN(data1)){
validate63.errors = [{instancePath:instancePath+"/tolerance",schemaPath:"#/properties/tolerance/exclusiveMinimum",keyword:"exclusiveMinimum",params:{comparison: ">", limit: 0}}];
return false;
}
}
else {
validate63.errors = [{instancePath:instancePath+"/tolerance",schemaPath:"#/properties/tolerance/type",keyword:"type",params:{type: "number"}}];
return false;
}
}
var valid0 = _errs4 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.rows !== undefined){
let data2 = data.rows;
const _errs6 = errors;
if(!(((typeof data2 == "number") && (!(data2 % 1) && !isNaN(data2))) && (isFinite(data2)))){
validate63.errors = [{instancePath:instancePath+"/rows",schemaPath:"#/properties/rows/type",keyword:"type",params:{type: "integer"}}];
return false;
}
if(errors === _errs6){
if((typeof data2 == "number") && (isFinite(data2))){
if(data2 > 9007199254740991 || isNaN(data2)){
validate63.errors = [{instancePath:instancePath+"/rows",schemaPath:"#/properties/rows/maximum",keyword:"maximum",params:{comparison: "<=", limit: 9007199254740991}}];
return false;
}
else {
if(data2 < 1 || isNaN(data2)){
validate63.errors = [{instancePath:instancePath+"/rows",schemaPath:"#/properties/rows/minimum",keyword:"minimum",params:{comparison: ">=", limit: 1}}];
return false;
}
}
}
}
var valid0 = _errs6 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.batch_sizes !== undefined){
let data3 = data.batch_sizes;
const _errs8 = errors;
if(errors === _errs8){
if(Array.isArray(data3)){
if(data3.length < 1){
validate63.errors = [{instancePath:instancePath+"/batch_sizes",schemaPath:"#/properties/batch_sizes/minItems",keyword:"minItems",params:{limit: 1}}];
return false;
}
else {
var valid1 = true;
const len0 = data3.length;
for(let i0=0; i0<len0; i0++){
let data4 = data3[i0];
const _errs10 = errors;
if(!(((typeof data4 == "number") && (!(data4 % 1) && !isNaN(data4))) && (isFinite(data4)))){
validate63.errors = [{instancePath:instancePath+"/batch_sizes/" + i0,schemaPath:"#/properties/batch_sizes/items/type",keyword:"type",params:{type: "integer"}}];
return false;
}
if(errors === _errs10){
if((typeof data4 == "number") && (isFinite(data4))){
if(data4 > 9007199254740991 || isNaN(data4)){
validate63.errors = [{instancePath:instancePath+"/batch_sizes/" + i0,schemaPath:"#/properties/batch_sizes/items/maximum",keyword:"maximum",params:{comparison: "<=", limit: 9007199254740991}}];
return false;
}
else {
if(data4 < 1 || isNaN(data4)){
validate63.errors = [{instancePath:instancePath+"/batch_sizes/" + i0,schemaPath:"#/properties/batch_sizes/items/minimum",keyword:"minimum",params:{comparison: ">=", limit: 1}}];
return false;
}
}
}
}
var valid1 = _errs10 === errors;
if(!valid1){
break;
}
}
}
}
else {
validate63.errors = [{instancePath:instancePath+"/batch_sizes",schemaPath:"#/properties/batch_sizes/type",keyword:"type",params:{type: "array"}}];
return false;
}
}
var valid0 = _errs8 === errors;
}
else {
var valid0 = true;
}
}
}
}
}
}
}
else {
validate63.errors = [{instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}}];
return false;
}
}
validate63.errors = vErrors;
return errors === 0;
}
validate63.evaluated = {"props":true,"dynamicProps":false,"dynamicItems":false};

const schema25 = {"type":"object","required":["k","values","indices","ties","bytes_per_row","dense_bytes_per_row"],"additionalProperties":false,"properties":{"k":{"type":"integer","minimum":1,"maximum":9007199254740991},"values":{"const":"values"},"indices":{"const":"indices"},"ties":{"const":"lower index first"},"bytes_per_row":{"type":"integer","minimum":8,"maximum":9007199254740991},"dense_bytes_per_row":{"type":"integer","minimum":4,"maximum":9007199254740991}}};

function validate67(data, {instancePath="", parentData, parentDataProperty, rootData=data, dynamicAnchors={}}={}){
let vErrors = null;
let errors = 0;
const evaluated0 = validate67.evaluated;
if(evaluated0.dynamicProps){
evaluated0.props = undefined;
}
if(evaluated0.dynamicItems){
evaluated0.items = undefined;
}
if(errors === 0){
if(data && typeof data == "object" && !Array.isArray(data)){
let missing0;
if(((((((data.k === undefined) && (missing0 = "k")) || ((data.values === undefined) && (missing0 = "values"))) || ((data.indices === undefined) && (missing0 = "indices"))) || ((data.ties === undefined) && (missing0 = "ties"))) || ((data.bytes_per_row === undefined) && (missing0 = "bytes_per_row"))) || ((data.dense_bytes_per_row === undefined) && (missing0 = "dense_bytes_per_row"))){
validate67.errors = [{instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: missing0}}];
return false;
}
else {
const _errs1 = errors;
for(const key0 in data){
if(!((((((key0 === "k") || (key0 === "values")) || (key0 === "indices")) || (key0 === "ties")) || (key0 === "bytes_per_row")) || (key0 === "dense_bytes_per_row"))){
validate67.errors = [{instancePath,schemaPath:"#/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key0}}];
return false;
break;
}
}
if(_errs1 === errors){
if(data.k !== undefined){
let data0 = data.k;
const _errs2 = errors;
if(!(((typeof data0 == "number") && (!(data0 % 1) && !isNaN(data0))) && (isFinite(data0)))){
validate67.errors = [{instancePath:instancePath+"/k",schemaPath:"#/properties/k/type",keyword:"type",params:{type: "integer"}}];
return false;
}
if(errors === _errs2){
if((typeof data0 == "number") && (isFinite(data0))){
if(data0 > 9007199254740991 || isNaN(data0)){
validate67.errors = [{instancePath:instancePath+"/k",schemaPath:"#/properties/k/maximum",keyword:"maximum",params:{comparison: "<=", limit: 9007199254740991}}];
return false;
}
else {
if(data0 < 1 || isNaN(data0)){
validate67.errors = [{instancePath:instancePath+"/k",schemaPath:"#/properties/k/minimum",keyword:"minimum",params:{comparison: ">=", limit: 1}}];
return false;
}
}
}
}
var valid0 = _errs2 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.values !== undefined){
const _errs4 = errors;
if("values" !== data.values){
validate67.errors = [{instancePath:instancePath+"/values",schemaPath:"#/properties/values/const",keyword:"const",params:{allowedValue: "values"}}];
return false;
}
var valid0 = _errs4 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.indices !== undefined){
const _errs5 = errors;
if("indices" !== data.indices){
validate67.errors = [{instancePath:instancePath+"/indices",schemaPath:"#/properties/indices/const",keyword:"const",params:{allowedValue: "indices"}}];
return false;
}
var valid0 = _errs5 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.ties !== undefined){
const _errs6 = errors;
if("lower index first" !== data.ties){
validate67.errors = [{instancePath:instancePath+"/ties",schemaPath:"#/properties/ties/const",keyword:"const",params:{allowedValue: "lower index first"}}];
return false;
}
var valid0 = _errs6 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.bytes_per_row !== undefined){
let data4 = data.bytes_per_row;
const _errs7 = errors;
if(!(((typeof data4 == "number") && (!(data4 % 1) && !isNaN(data4))) && (isFinite(data4)))){
validate67.errors = [{instancePath:instancePath+"/bytes_per_row",schemaPath:"#/properties/bytes_per_row/type",keyword:"type",params:{type: "integer"}}];
return false;
}
if(errors === _errs7){
if((typeof data4 == "number") && (isFinite(data4))){
if(data4 > 9007199254740991 || isNaN(data4)){
validate67.errors = [{instancePath:instancePath+"/bytes_per_row",schemaPath:"#/properties/bytes_per_row/maximum",keyword:"maximum",params:{comparison: "<=", limit: 9007199254740991}}];
return false;
}
else {
if(data4 < 8 || isNaN(data4)){
validate67.errors = [{instancePath:instancePath+"/bytes_per_row",schemaPath:"#/properties/bytes_per_row/minimum",keyword:"minimum",params:{comparison: ">=", limit: 8}}];
return false;
}
}
}
}
var valid0 = _errs7 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.dense_bytes_per_row !== undefined){
let data5 = data.dense_bytes_per_row;
const _errs9 = errors;
if(!(((typeof data5 == "number") && (!(data5 % 1) && !isNaN(data5))) && (isFinite(data5)))){
validate67.errors = [{instancePath:instancePath+"/dense_bytes_per_row",schemaPath:"#/properties/dense_bytes_per_row/type",keyword:"type",params:{type: "integer"}}];
return false;
}
if(errors === _errs9){
if((typeof data5 == "number") && (isFinite(data5))){
if(data5 > 9007199254740991 || isNaN(data5)){
validate67.errors = [{instancePath:instancePath+"/dense_bytes_per_row",schemaPath:"#/properties/dense_bytes_per_row/maximum",keyword:"maximum",params:{comparison: "<=", limit: 9007199254740991}}];
return false;
}
else {
if(data5 < 4 || isNaN(data5)){
validate67.errors = [{instancePath:instancePath+"/dense_bytes_per_row",schemaPath:"#/properties/dense_bytes_per_row/minimum",keyword:"minimum",params:{comparison: ">=", limit: 4}}];
return false;
}
}
}
}
var valid0 = _errs9 === errors;
}
else {
var valid0 = true;
}
}
}
}
}
}
}
}
}
else {
validate67.errors = [{instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}}];
return false;
}
}
validate67.errors = vErrors;
return errors === 0;
}
validate67.evaluated = {"props":true,"dynamicProps":false,"dynamicItems":false};

const schema26 = {"type":"object","required":["kept","reasons","report"],"additionalProperties":false,"properties":{"kept":{"type":"boolean"},"reasons":{"type":"array","items":{"type":"string","pattern":"^[^\\u0000-\\u001f\\u007f-\\u009f\\ud800-\\udfff]{0,1000}$"}},"report":{"type":"object","additionalProperties":false,"properties":{"static":{"$ref":"#/$defs/comparison"},"dynamic":{"$ref":"#/$defs/comparison"},"weights":{"$ref":"#/$defs/comparison"}}},"method":{"enum":["static","dynamic","weights"]},"weight_bits":{"enum":[7,8]},"activation":{"enum":["uint8","float32"]},"portable":{"type":"boolean"},"portability":{"type":"string","pattern":"^[^\\u0000-\\u001f\\u007f-\\u009f\\ud800-\\udfff]{0,1000}$"},"calibration_rows":{"type":"integer","minimum":1,"maximum":9007199254740991},"held_out_rows":{"type":"integer","minimum":1,"maximum":9007199254740991},"parity":{"type":"object","required":["jaccard","max_abs_error","rows","batch_sizes"],"additionalProperties":false,"properties":{"jaccard":{"type":"number","minimum":0,"maximum":1},"max_abs_error":{"type":"number","minimum":0},"rows":{"type":"integer","minimum":1,"maximum":9007199254740991},"batch_sizes":{"type":"array","items":{"type":"integer","minimum":1,"maximum":9007199254740991}}}},"golden_tolerance":{"type":["number","null"],"exclusiveMinimum":0},"score":{"$ref":"#/$defs/int8_score"}}};
const pattern8 = new RegExp("^[^\\u0000-\\u001f\\u007f-\\u009f\\ud800-\\udfff]{0,1000}$", "u");
const schema27 = {"type":"object","required":["jaccard","jaccard_per_row","top_k","top_k_overlap","l0_float32","l0_int8","cosine","max_abs_error","mse_float32","mse_int8","probe_float32","probe_int8","file_bytes_float32","file_bytes_int8","weight_bytes_float32","weight_bytes_int8"],"additionalProperties":false,"properties":{"jaccard":{"type":"number","minimum":0,"maximum":1},"jaccard_per_row":{"type":"number","minimum":0,"maximum":1},"top_k":{"type":"integer","minimum":1,"maximum":9007199254740991},"top_k_overlap":{"type":"number","minimum":0,"maximum":1},"l0_float32":{"type":"number","minimum":0},"l0_int8":{"type":"number","minimum":0},"cosine":{"type":"number","minimum":-1,"maximum":1.000001},"max_abs_error":{"type":"number","minimum":0},"mse_float32":{"type":["number","null"],"minimum":0},"mse_int8":{"type":["number","null"],"minimum":0},"probe_float32":{"type":["number","null"],"minimum":0,"maximum":1},"probe_int8":{"type":["number","null"],"minimum":0,"maximum":1},"file_bytes_float32":{"type":"integer","minimum":0,"maximum":9007199254740991},"file_bytes_int8":{"type":"integer","minimum":0,"maximum":9007199254740991},"weight_bytes_float32":{"type":"integer","minimum":0,"maximum":9007199254740991},"weight_bytes_int8":{"type":"integer","minimum":0,"maximum":9007199254740991}}};

function validate70(data, {instancePath="", parentData, parentDataProperty, rootData=data, dynamicAnchors={}}={}){
let vErrors = null;
let errors = 0;
const evaluated0 = validate70.evaluated;
if(evaluated0.dynamicProps){
evaluated0.props = undefined;
}
if(evaluated0.dynamicItems){
evaluated0.items = undefined;
}
if(errors === 0){
if(data && typeof data == "object" && !Array.isArray(data)){
let missing0;
if(((((((((((((((((data.jaccard === undefined) && (missing0 = "jaccard")) || ((data.jaccard_per_row === undefined) && (missing0 = "jaccard_per_row"))) || ((data.top_k === undefined) && (missing0 = "top_k"))) || ((data.top_k_overlap === undefined) && (missing0 = "top_k_overlap"))) || ((data.l0_float32 === undefined) && (missing0 = "l0_float32"))) || ((data.l0_int8 === undefined) && (missing0 = "l0_int8"))) || ((data.cosine === undefined) && (missing0 = "cosine"))) || ((data.max_abs_error === undefined) && (missing0 = "max_abs_error"))) || ((data.mse_float32 === undefined) && (missing0 = "mse_float32"))) || ((data.mse_int8 === undefined) && (missing0 = "mse_int8"))) || ((data.probe_float32 === undefined) && (missing0 = "probe_float32"))) || ((data.probe_int8 === undefined) && (missing0 = "probe_int8"))) || ((data.file_bytes_float32 === undefined) && (missing0 = "file_bytes_float32"))) || ((data.file_bytes_int8 === undefined) && (missing0 = "file_bytes_int8"))) || ((data.weight_bytes_float32 === undefined) && (missing0 = "weight_bytes_float32"))) || ((data.weight_bytes_int8 === undefined) && (missing0 = "weight_bytes_int8"))){
validate70.errors = [{instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: missing0}}];
return false;
}
else {
const _errs1 = errors;
for(const key0 in data){
if(!(func1.call(schema27.properties, key0))){
validate70.errors = [{instancePath,schemaPath:"#/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key0}}];
return false;
break;
}
}
if(_errs1 === errors){
if(data.jaccard !== undefined){
let data0 = data.jaccard;
const _errs2 = errors;
if(errors === _errs2){
if((typeof data0 == "number") && (isFinite(data0))){
if(data0 > 1 || isNaN(data0)){
validate70.errors = [{instancePath:instancePath+"/jaccard",schemaPath:"#/properties/jaccard/maximum",keyword:"maximum",params:{comparison: "<=", limit: 1}}];
return false;
}
else {
if(data0 < 0 || isNaN(data0)){
validate70.errors = [{instancePath:instancePath+"/jaccard",schemaPath:"#/properties/jaccard/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
}
else {
validate70.errors = [{instancePath:instancePath+"/jaccard",schemaPath:"#/properties/jaccard/type",keyword:"type",params:{type: "number"}}];
return false;
}
}
var valid0 = _errs2 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.jaccard_per_row !== undefined){
let data1 = data.jaccard_per_row;
const _errs4 = errors;
if(errors === _errs4){
if((typeof data1 == "number") && (isFinite(data1))){
if(data1 > 1 || isNaN(data1)){
validate70.errors = [{instancePath:instancePath+"/jaccard_per_row",schemaPath:"#/properties/jaccard_per_row/maximum",keyword:"maximum",params:{comparison: "<=", limit: 1}}];
return false;
}
else {
if(data1 < 0 || isNaN(data1)){
validate70.errors = [{instancePath:instancePath+"/jaccard_per_row",schemaPath:"#/properties/jaccard_per_row/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
}
else {
validate70.errors = [{instancePath:instancePath+"/jaccard_per_row",schemaPath:"#/properties/jaccard_per_row/type",keyword:"type",params:{type: "number"}}];
return false;
}
}
var valid0 = _errs4 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.top_k !== undefined){
let data2 = data.top_k;
const _errs6 = errors;
if(!(((typeof data2 == "number") && (!(data2 % 1) && !isNaN(data2))) && (isFinite(data2)))){
validate70.errors = [{instancePath:instancePath+"/top_k",schemaPath:"#/properties/top_k/type",keyword:"type",params:{type: "integer"}}];
return false;
}
if(errors === _errs6){
if((typeof data2 == "number") && (isFinite(data2))){
if(data2 > 9007199254740991 || isNaN(data2)){
validate70.errors = [{instancePath:instancePath+"/top_k",schemaPath:"#/properties/top_k/maximum",keyword:"maximum",params:{comparison: "<=", limit: 9007199254740991}}];
return false;
}
else {
if(data2 < 1 || isNaN(data2)){
validate70.errors = [{instancePath:instancePath+"/top_k",schemaPath:"#/properties/top_k/minimum",keyword:"minimum",params:{comparison: ">=", limit: 1}}];
return false;
}
}
}
}
var valid0 = _errs6 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.top_k_overlap !== undefined){
let data3 = data.top_k_overlap;
const _errs8 = errors;
if(errors === _errs8){
if((typeof data3 == "number") && (isFinite(data3))){
if(data3 > 1 || isNaN(data3)){
validate70.errors = [{instancePath:instancePath+"/top_k_overlap",schemaPath:"#/properties/top_k_overlap/maximum",keyword:"maximum",params:{comparison: "<=", limit: 1}}];
return false;
}
else {
if(data3 < 0 || isNaN(data3)){
validate70.errors = [{instancePath:instancePath+"/top_k_overlap",schemaPath:"#/properties/top_k_overlap/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
}
else {
validate70.errors = [{instancePath:instancePath+"/top_k_overlap",schemaPath:"#/properties/top_k_overlap/type",keyword:"type",params:{type: "number"}}];
return false;
}
}
var valid0 = _errs8 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.l0_float32 !== undefined){
let data4 = data.l0_float32;
const _errs10 = errors;
if(errors === _errs10){
if((typeof data4 == "number") && (isFinite(data4))){
if(data4 < 0 || isNaN(data4)){
validate70.errors = [{instancePath:instancePath+"/l0_float32",schemaPath:"#/properties/l0_float32/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
else {
validate70.errors = [{instancePath:instancePath+"/l0_float32",schemaPath:"#/properties/l0_float32/type",keyword:"type",params:{type: "number"}}];
return false;
}
}
var valid0 = _errs10 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.l0_int8 !== undefined){
let data5 = data.l0_int8;
const _errs12 = errors;
if(errors === _errs12){
if((typeof data5 == "number") && (isFinite(data5))){
if(data5 < 0 || isNaN(data5)){
validate70.errors = [{instancePath:instancePath+"/l0_int8",schemaPath:"#/properties/l0_int8/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
else {
validate70.errors = [{instancePath:instancePath+"/l0_int8",schemaPath:"#/properties/l0_int8/type",keyword:"type",params:{type: "number"}}];
return false;
}
}
var valid0 = _errs12 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.cosine !== undefined){
let data6 = data.cosine;
const _errs14 = errors;
if(errors === _errs14){
if((typeof data6 == "number") && (isFinite(data6))){
if(data6 > 1.000001 || isNaN(data6)){
validate70.errors = [{instancePath:instancePath+"/cosine",schemaPath:"#/properties/cosine/maximum",keyword:"maximum",params:{comparison: "<=", limit: 1.000001}}];
return false;
}
else {
if(data6 < -1 || isNaN(data6)){
validate70.errors = [{instancePath:instancePath+"/cosine",schemaPath:"#/properties/cosine/minimum",keyword:"minimum",params:{comparison: ">=", limit: -1}}];
return false;
}
}
}
else {
validate70.errors = [{instancePath:instancePath+"/cosine",schemaPath:"#/properties/cosine/type",keyword:"type",params:{type: "number"}}];
return false;
}
}
var valid0 = _errs14 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.max_abs_error !== undefined){
let data7 = data.max_abs_error;
const _errs16 = errors;
if(errors === _errs16){
if((typeof data7 == "number") && (isFinite(data7))){
if(data7 < 0 || isNaN(data7)){
validate70.errors = [{instancePath:instancePath+"/max_abs_error",schemaPath:"#/properties/max_abs_error/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
else {
validate70.errors = [{instancePath:instancePath+"/max_abs_error",schemaPath:"#/properties/max_abs_error/type",keyword:"type",params:{type: "number"}}];
return false;
}
}
var valid0 = _errs16 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.mse_float32 !== undefined){
let data8 = data.mse_float32;
const _errs18 = errors;
if((!((typeof data8 == "number") && (isFinite(data8)))) && (data8 !== null)){
validate70.errors = [{instancePath:instancePath+"/mse_float32",schemaPath:"#/properties/mse_float32/type",keyword:"type",params:{type: schema27.properties.mse_float32.type}}];
return false;
}
if(errors === _errs18){
if((typeof data8 == "number") && (isFinite(data8))){
if(data8 < 0 || isNaN(data8)){
validate70.errors = [{instancePath:instancePath+"/mse_float32",schemaPath:"#/properties/mse_float32/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
}
var valid0 = _errs18 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.mse_int8 !== undefined){
let data9 = data.mse_int8;
const _errs20 = errors;
if((!((typeof data9 == "number") && (isFinite(data9)))) && (data9 !== null)){
validate70.errors = [{instancePath:instancePath+"/mse_int8",schemaPath:"#/properties/mse_int8/type",keyword:"type",params:{type: schema27.properties.mse_int8.type}}];
return false;
}
if(errors === _errs20){
if((typeof data9 == "number") && (isFinite(data9))){
if(data9 < 0 || isNaN(data9)){
validate70.errors = [{instancePath:instancePath+"/mse_int8",schemaPath:"#/properties/mse_int8/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
}
var valid0 = _errs20 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.probe_float32 !== undefined){
let data10 = data.probe_float32;
const _errs22 = errors;
if((!((typeof data10 == "number") && (isFinite(data10)))) && (data10 !== null)){
validate70.errors = [{instancePath:instancePath+"/probe_float32",schemaPath:"#/properties/probe_float32/type",keyword:"type",params:{type: schema27.properties.probe_float32.type}}];
return false;
}
if(errors === _errs22){
if((typeof data10 == "number") && (isFinite(data10))){
if(data10 > 1 || isNaN(data10)){
validate70.errors = [{instancePath:instancePath+"/probe_float32",schemaPath:"#/properties/probe_float32/maximum",keyword:"maximum",params:{comparison: "<=", limit: 1}}];
return false;
}
else {
if(data10 < 0 || isNaN(data10)){
validate70.errors = [{instancePath:instancePath+"/probe_float32",schemaPath:"#/properties/probe_float32/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
}
}
var valid0 = _errs22 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.probe_int8 !== undefined){
let data11 = data.probe_int8;
const _errs24 = errors;
if((!((typeof data11 == "number") && (isFinite(data11)))) && (data11 !== null)){
validate70.errors = [{instancePath:instancePath+"/probe_int8",schemaPath:"#/properties/probe_int8/type",keyword:"type",params:{type: schema27.properties.probe_int8.type}}];
return false;
}
if(errors === _errs24){
if((typeof data11 == "number") && (isFinite(data11))){
if(data11 > 1 || isNaN(data11)){
validate70.errors = [{instancePath:instancePath+"/probe_int8",schemaPath:"#/properties/probe_int8/maximum",keyword:"maximum",params:{comparison: "<=", limit: 1}}];
return false;
}
else {
if(data11 < 0 || isNaN(data11)){
validate70.errors = [{instancePath:instancePath+"/probe_int8",schemaPath:"#/properties/probe_int8/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
}
}
var valid0 = _errs24 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.file_bytes_float32 !== undefined){
let data12 = data.file_bytes_float32;
const _errs26 = errors;
if(!(((typeof data12 == "number") && (!(data12 % 1) && !isNaN(data12))) && (isFinite(data12)))){
validate70.errors = [{instancePath:instancePath+"/file_bytes_float32",schemaPath:"#/properties/file_bytes_float32/type",keyword:"type",params:{type: "integer"}}];
return false;
}
if(errors === _errs26){
if((typeof data12 == "number") && (isFinite(data12))){
if(data12 > 9007199254740991 || isNaN(data12)){
validate70.errors = [{instancePath:instancePath+"/file_bytes_float32",schemaPath:"#/properties/file_bytes_float32/maximum",keyword:"maximum",params:{comparison: "<=", limit: 9007199254740991}}];
return false;
}
else {
if(data12 < 0 || isNaN(data12)){
validate70.errors = [{instancePath:instancePath+"/file_bytes_float32",schemaPath:"#/properties/file_bytes_float32/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
}
}
var valid0 = _errs26 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.file_bytes_int8 !== undefined){
let data13 = data.file_bytes_int8;
const _errs28 = errors;
if(!(((typeof data13 == "number") && (!(data13 % 1) && !isNaN(data13))) && (isFinite(data13)))){
validate70.errors = [{instancePath:instancePath+"/file_bytes_int8",schemaPath:"#/properties/file_bytes_int8/type",keyword:"type",params:{type: "integer"}}];
return false;
}
if(errors === _errs28){
if((typeof data13 == "number") && (isFinite(data13))){
if(data13 > 9007199254740991 || isNaN(data13)){
validate70.errors = [{instancePath:instancePath+"/file_bytes_int8",schemaPath:"#/properties/file_bytes_int8/maximum",keyword:"maximum",params:{comparison: "<=", limit: 9007199254740991}}];
return false;
}
else {
if(data13 < 0 || isNaN(data13)){
validate70.errors = [{instancePath:instancePath+"/file_bytes_int8",schemaPath:"#/properties/file_bytes_int8/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
}
}
var valid0 = _errs28 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.weight_bytes_float32 !== undefined){
let data14 = data.weight_bytes_float32;
const _errs30 = errors;
if(!(((typeof data14 == "number") && (!(data14 % 1) && !isNaN(data14))) && (isFinite(data14)))){
validate70.errors = [{instancePath:instancePath+"/weight_bytes_float32",schemaPath:"#/properties/weight_bytes_float32/type",keyword:"type",params:{type: "integer"}}];
return false;
}
if(errors === _errs30){
if((typeof data14 == "number") && (isFinite(data14))){
if(data14 > 9007199254740991 || isNaN(data14)){
validate70.errors = [{instancePath:instancePath+"/weight_bytes_float32",schemaPath:"#/properties/weight_bytes_float32/maximum",keyword:"maximum",params:{comparison: "<=", limit: 9007199254740991}}];
return false;
}
else {
if(data14 < 0 || isNaN(data14)){
validate70.errors = [{instancePath:instancePath+"/weight_bytes_float32",schemaPath:"#/properties/weight_bytes_float32/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
}
}
var valid0 = _errs30 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.weight_bytes_int8 !== undefined){
let data15 = data.weight_bytes_int8;
const _errs32 = errors;
if(!(((typeof data15 == "number") && (!(data15 % 1) && !isNaN(data15))) && (isFinite(data15)))){
validate70.errors = [{instancePath:instancePath+"/weight_bytes_int8",schemaPath:"#/properties/weight_bytes_int8/type",keyword:"type",params:{type: "integer"}}];
return false;
}
if(errors === _errs32){
if((typeof data15 == "number") && (isFinite(data15))){
if(data15 > 9007199254740991 || isNaN(data15)){
validate70.errors = [{instancePath:instancePath+"/weight_bytes_int8",schemaPath:"#/properties/weight_bytes_int8/maximum",keyword:"maximum",params:{comparison: "<=", limit: 9007199254740991}}];
return false;
}
else {
if(data15 < 0 || isNaN(data15)){
validate70.errors = [{instancePath:instancePath+"/weight_bytes_int8",schemaPath:"#/properties/weight_bytes_int8/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
}
}
var valid0 = _errs32 === errors;
}
else {
var valid0 = true;
}
}
}
}
}
}
}
}
}
}
}
}
}
}
}
}
}
}
}
else {
validate70.errors = [{instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}}];
return false;
}
}
validate70.errors = vErrors;
return errors === 0;
}
validate70.evaluated = {"props":true,"dynamicProps":false,"dynamicItems":false};

const schema28 = {"type":"object","required":["report","golden_tolerance","alarm"],"additionalProperties":false,"properties":{"report":{"type":"object","additionalProperties":false,"properties":{"static":{"$ref":"#/$defs/score_change"},"weights":{"$ref":"#/$defs/score_change"}}},"golden_tolerance":{"type":["number","null"],"exclusiveMinimum":0},"alarm":{"type":["object","null"],"if":{"type":"null"},"then":{},"else":{"$ref":"#/$defs/alarm"}}}};
const schema29 = {"type":"object","required":["median_change","largest_change","mean_float32","mean_int8","file_bytes_float32","file_bytes_int8"],"additionalProperties":false,"properties":{"median_change":{"type":"number","minimum":0},"largest_change":{"type":"number","minimum":0},"mean_float32":{"type":"number","minimum":0},"mean_int8":{"type":"number","minimum":0},"file_bytes_float32":{"type":"integer","minimum":0,"maximum":9007199254740991},"file_bytes_int8":{"type":"integer","minimum":0,"maximum":9007199254740991}}};

function validate75(data, {instancePath="", parentData, parentDataProperty, rootData=data, dynamicAnchors={}}={}){
let vErrors = null;
let errors = 0;
const evaluated0 = validate75.evaluated;
if(evaluated0.dynamicProps){
evaluated0.props = undefined;
}
if(evaluated0.dynamicItems){
evaluated0.items = undefined;
}
if(errors === 0){
if(data && typeof data == "object" && !Array.isArray(data)){
let missing0;
if(((((((data.median_change === undefined) && (missing0 = "median_change")) || ((data.largest_change === undefined) && (missing0 = "largest_change"))) || ((data.mean_float32 === undefined) && (missing0 = "mean_float32"))) || ((data.mean_int8 === undefined) && (missing0 = "mean_int8"))) || ((data.file_bytes_float32 === undefined) && (missing0 = "file_bytes_float32"))) || ((data.file_bytes_int8 === undefined) && (missing0 = "file_bytes_int8"))){
validate75.errors = [{instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: missing0}}];
return false;
}
else {
const _errs1 = errors;
for(const key0 in data){
if(!((((((key0 === "median_change") || (key0 === "largest_change")) || (key0 === "mean_float32")) || (key0 === "mean_int8")) || (key0 === "file_bytes_float32")) || (key0 === "file_bytes_int8"))){
validate75.errors = [{instancePath,schemaPath:"#/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key0}}];
return false;
break;
}
}
if(_errs1 === errors){
if(data.median_change !== undefined){
let data0 = data.median_change;
const _errs2 = errors;
if(errors === _errs2){
if((typeof data0 == "number") && (isFinite(data0))){
if(data0 < 0 || isNaN(data0)){
validate75.errors = [{instancePath:instancePath+"/median_change",schemaPath:"#/properties/median_change/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
else {
validate75.errors = [{instancePath:instancePath+"/median_change",schemaPath:"#/properties/median_change/type",keyword:"type",params:{type: "number"}}];
return false;
}
}
var valid0 = _errs2 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.largest_change !== undefined){
let data1 = data.largest_change;
const _errs4 = errors;
if(errors === _errs4){
if((typeof data1 == "number") && (isFinite(data1))){
if(data1 < 0 || isNaN(data1)){
validate75.errors = [{instancePath:instancePath+"/largest_change",schemaPath:"#/properties/largest_change/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
else {
validate75.errors = [{instancePath:instancePath+"/largest_change",schemaPath:"#/properties/largest_change/type",keyword:"type",params:{type: "number"}}];
return false;
}
}
var valid0 = _errs4 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.mean_float32 !== undefined){
let data2 = data.mean_float32;
const _errs6 = errors;
if(errors === _errs6){
if((typeof data2 == "number") && (isFinite(data2))){
if(data2 < 0 || isNaN(data2)){
validate75.errors = [{instancePath:instancePath+"/mean_float32",schemaPath:"#/properties/mean_float32/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
else {
validate75.errors = [{instancePath:instancePath+"/mean_float32",schemaPath:"#/properties/mean_float32/type",keyword:"type",params:{type: "number"}}];
return false;
}
}
var valid0 = _errs6 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.mean_int8 !== undefined){
let data3 = data.mean_int8;
const _errs8 = errors;
if(errors === _errs8){
if((typeof data3 == "number") && (isFinite(data3))){
if(data3 < 0 || isNaN(data3)){
validate75.errors = [{instancePath:instancePath+"/mean_int8",schemaPath:"#/properties/mean_int8/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
else {
validate75.errors = [{instancePath:instancePath+"/mean_int8",schemaPath:"#/properties/mean_int8/type",keyword:"type",params:{type: "number"}}];
return false;
}
}
var valid0 = _errs8 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.file_bytes_float32 !== undefined){
let data4 = data.file_bytes_float32;
const _errs10 = errors;
if(!(((typeof data4 == "number") && (!(data4 % 1) && !isNaN(data4))) && (isFinite(data4)))){
validate75.errors = [{instancePath:instancePath+"/file_bytes_float32",schemaPath:"#/properties/file_bytes_float32/type",keyword:"type",params:{type: "integer"}}];
return false;
}
if(errors === _errs10){
if((typeof data4 == "number") && (isFinite(data4))){
if(data4 > 9007199254740991 || isNaN(data4)){
validate75.errors = [{instancePath:instancePath+"/file_bytes_float32",schemaPath:"#/properties/file_bytes_float32/maximum",keyword:"maximum",params:{comparison: "<=", limit: 9007199254740991}}];
return false;
}
else {
if(data4 < 0 || isNaN(data4)){
validate75.errors = [{instancePath:instancePath+"/file_bytes_float32",schemaPath:"#/properties/file_bytes_float32/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
}
}
var valid0 = _errs10 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.file_bytes_int8 !== undefined){
let data5 = data.file_bytes_int8;
const _errs12 = errors;
if(!(((typeof data5 == "number") && (!(data5 % 1) && !isNaN(data5))) && (isFinite(data5)))){
validate75.errors = [{instancePath:instancePath+"/file_bytes_int8",schemaPath:"#/properties/file_bytes_int8/type",keyword:"type",params:{type: "integer"}}];
return false;
}
if(errors === _errs12){
if((typeof data5 == "number") && (isFinite(data5))){
if(data5 > 9007199254740991 || isNaN(data5)){
validate75.errors = [{instancePath:instancePath+"/file_bytes_int8",schemaPath:"#/properties/file_bytes_int8/maximum",keyword:"maximum",params:{comparison: "<=", limit: 9007199254740991}}];
return false;
}
else {
if(data5 < 0 || isNaN(data5)){
validate75.errors = [{instancePath:instancePath+"/file_bytes_int8",schemaPath:"#/properties/file_bytes_int8/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
}
}
var valid0 = _errs12 === errors;
}
else {
var valid0 = true;
}
}
}
}
}
}
}
}
}
else {
validate75.errors = [{instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}}];
return false;
}
}
validate75.errors = vErrors;
return errors === 0;
}
validate75.evaluated = {"props":true,"dynamicProps":false,"dynamicItems":false};

const schema30 = {"type":"object","required":["threshold","false_alarm_rate","unit","units","rows","assumes","estimate"],"additionalProperties":false,"properties":{"threshold":{"type":"number","minimum":0,"maximum":3.5e+38},"false_alarm_rate":{"type":"number","exclusiveMinimum":0,"maximum":1},"unit":{"enum":["row","recording"]},"units":{"type":"integer","minimum":2,"maximum":9007199254740991},"rows":{"type":"integer","minimum":2,"maximum":9007199254740991},"assumes":{"type":"string","pattern":"^[^\\u0000-\\u001f\\u007f-\\u009f\\ud800-\\udfff]{0,1000}$"},"estimate":{"type":["object","null"],"if":{"type":"null"},"then":{},"else":{"$ref":"#/$defs/estimate"}}}};
const schema31 = {"type":"object","required":["needed","thresholds","rates","mean_rate"],"additionalProperties":false,"properties":{"needed":{"type":"integer","minimum":1,"maximum":9007199254740991},"thresholds":{"type":"array","minItems":2,"maxItems":2,"items":{"type":"number","minimum":0,"maximum":3.5e+38}},"rates":{"type":"array","minItems":2,"maxItems":2,"items":{"type":"number","minimum":0,"maximum":1}},"mean_rate":{"type":"number","minimum":0,"maximum":1}}};

function validate79(data, {instancePath="", parentData, parentDataProperty, rootData=data, dynamicAnchors={}}={}){
let vErrors = null;
let errors = 0;
const evaluated0 = validate79.evaluated;
if(evaluated0.dynamicProps){
evaluated0.props = undefined;
}
if(evaluated0.dynamicItems){
evaluated0.items = undefined;
}
if(errors === 0){
if(data && typeof data == "object" && !Array.isArray(data)){
let missing0;
if(((((data.needed === undefined) && (missing0 = "needed")) || ((data.thresholds === undefined) && (missing0 = "thresholds"))) || ((data.rates === undefined) && (missing0 = "rates"))) || ((data.mean_rate === undefined) && (missing0 = "mean_rate"))){
validate79.errors = [{instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: missing0}}];
return false;
}
else {
const _errs1 = errors;
for(const key0 in data){
if(!((((key0 === "needed") || (key0 === "thresholds")) || (key0 === "rates")) || (key0 === "mean_rate"))){
validate79.errors = [{instancePath,schemaPath:"#/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key0}}];
return false;
break;
}
}
if(_errs1 === errors){
if(data.needed !== undefined){
let data0 = data.needed;
const _errs2 = errors;
if(!(((typeof data0 == "number") && (!(data0 % 1) && !isNaN(data0))) && (isFinite(data0)))){
validate79.errors = [{instancePath:instancePath+"/needed",schemaPath:"#/properties/needed/type",keyword:"type",params:{type: "integer"}}];
return false;
}
if(errors === _errs2){
if((typeof data0 == "number") && (isFinite(data0))){
if(data0 > 9007199254740991 || isNaN(data0)){
validate79.errors = [{instancePath:instancePath+"/needed",schemaPath:"#/properties/needed/maximum",keyword:"maximum",params:{comparison: "<=", limit: 9007199254740991}}];
return false;
}
else {
if(data0 < 1 || isNaN(data0)){
validate79.errors = [{instancePath:instancePath+"/needed",schemaPath:"#/properties/needed/minimum",keyword:"minimum",params:{comparison: ">=", limit: 1}}];
return false;
}
}
}
}
var valid0 = _errs2 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.thresholds !== undefined){
let data1 = data.thresholds;
const _errs4 = errors;
if(errors === _errs4){
if(Array.isArray(data1)){
if(data1.length > 2){
validate79.errors = [{instancePath:instancePath+"/thresholds",schemaPath:"#/properties/thresholds/maxItems",keyword:"maxItems",params:{limit: 2}}];
return false;
}
else {
if(data1.length < 2){
validate79.errors = [{instancePath:instancePath+"/thresholds",schemaPath:"#/properties/thresholds/minItems",keyword:"minItems",params:{limit: 2}}];
return false;
}
else {
var valid1 = true;
const len0 = data1.length;
for(let i0=0; i0<len0; i0++){
let data2 = data1[i0];
const _errs6 = errors;
if(errors === _errs6){
if((typeof data2 == "number") && (isFinite(data2))){
if(data2 > 3.5e+38 || isNaN(data2)){
validate79.errors = [{instancePath:instancePath+"/thresholds/" + i0,schemaPath:"#/properties/thresholds/items/maximum",keyword:"maximum",params:{comparison: "<=", limit: 3.5e+38}}];
return false;
}
else {
if(data2 < 0 || isNaN(data2)){
validate79.errors = [{instancePath:instancePath+"/thresholds/" + i0,schemaPath:"#/properties/thresholds/items/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
}
else {
validate79.errors = [{instancePath:instancePath+"/thresholds/" + i0,schemaPath:"#/properties/thresholds/items/type",keyword:"type",params:{type: "number"}}];
return false;
}
}
var valid1 = _errs6 === errors;
if(!valid1){
break;
}
}
}
}
}
else {
validate79.errors = [{instancePath:instancePath+"/thresholds",schemaPath:"#/properties/thresholds/type",keyword:"type",params:{type: "array"}}];
return false;
}
}
var valid0 = _errs4 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.rates !== undefined){
let data3 = data.rates;
const _errs8 = errors;
if(errors === _errs8){
if(Array.isArray(data3)){
if(data3.length > 2){
validate79.errors = [{instancePath:instancePath+"/rates",schemaPath:"#/properties/rates/maxItems",keyword:"maxItems",params:{limit: 2}}];
return false;
}
else {
if(data3.length < 2){
validate79.errors = [{instancePath:instancePath+"/rates",schemaPath:"#/properties/rates/minItems",keyword:"minItems",params:{limit: 2}}];
return false;
}
else {
var valid2 = true;
const len1 = data3.length;
for(let i1=0; i1<len1; i1++){
let data4 = data3[i1];
const _errs10 = errors;
if(errors === _errs10){
if((typeof data4 == "number") && (isFinite(data4))){
if(data4 > 1 || isNaN(data4)){
validate79.errors = [{instancePath:instancePath+"/rates/" + i1,schemaPath:"#/properties/rates/items/maximum",keyword:"maximum",params:{comparison: "<=", limit: 1}}];
return false;
}
else {
if(data4 < 0 || isNaN(data4)){
validate79.errors = [{instancePath:instancePath+"/rates/" + i1,schemaPath:"#/properties/rates/items/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
}
else {
validate79.errors = [{instancePath:instancePath+"/rates/" + i1,schemaPath:"#/properties/rates/items/type",keyword:"type",params:{type: "number"}}];
return false;
}
}
var valid2 = _errs10 === errors;
if(!valid2){
break;
}
}
}
}
}
else {
validate79.errors = [{instancePath:instancePath+"/rates",schemaPath:"#/properties/rates/type",keyword:"type",params:{type: "array"}}];
return false;
}
}
var valid0 = _errs8 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.mean_rate !== undefined){
let data5 = data.mean_rate;
const _errs12 = errors;
if(errors === _errs12){
if((typeof data5 == "number") && (isFinite(data5))){
if(data5 > 1 || isNaN(data5)){
validate79.errors = [{instancePath:instancePath+"/mean_rate",schemaPath:"#/properties/mean_rate/maximum",keyword:"maximum",params:{comparison: "<=", limit: 1}}];
return false;
}
else {
if(data5 < 0 || isNaN(data5)){
validate79.errors = [{instancePath:instancePath+"/mean_rate",schemaPath:"#/properties/mean_rate/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
}
else {
validate79.errors = [{instancePath:instancePath+"/mean_rate",schemaPath:"#/properties/mean_rate/type",keyword:"type",params:{type: "number"}}];
return false;
}
}
var valid0 = _errs12 === errors;
}
else {
var valid0 = true;
}
}
}
}
}
}
}
else {
validate79.errors = [{instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}}];
return false;
}
}
validate79.errors = vErrors;
return errors === 0;
}
validate79.evaluated = {"props":true,"dynamicProps":false,"dynamicItems":false};


function validate78(data, {instancePath="", parentData, parentDataProperty, rootData=data, dynamicAnchors={}}={}){
let vErrors = null;
let errors = 0;
const evaluated0 = validate78.evaluated;
if(evaluated0.dynamicProps){
evaluated0.props = undefined;
}
if(evaluated0.dynamicItems){
evaluated0.items = undefined;
}
if(errors === 0){
if(data && typeof data == "object" && !Array.isArray(data)){
let missing0;
if((((((((data.threshold === undefined) && (missing0 = "threshold")) || ((data.false_alarm_rate === undefined) && (missing0 = "false_alarm_rate"))) || ((data.unit === undefined) && (missing0 = "unit"))) || ((data.units === undefined) && (missing0 = "units"))) || ((data.rows === undefined) && (missing0 = "rows"))) || ((data.assumes === undefined) && (missing0 = "assumes"))) || ((data.estimate === undefined) && (missing0 = "estimate"))){
validate78.errors = [{instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: missing0}}];
return false;
}
else {
const _errs1 = errors;
for(const key0 in data){
if(!(((((((key0 === "threshold") || (key0 === "false_alarm_rate")) || (key0 === "unit")) || (key0 === "units")) || (key0 === "rows")) || (key0 === "assumes")) || (key0 === "estimate"))){
validate78.errors = [{instancePath,schemaPath:"#/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key0}}];
return false;
break;
}
}
if(_errs1 === errors){
if(data.threshold !== undefined){
let data0 = data.threshold;
const _errs2 = errors;
if(errors === _errs2){
if((typeof data0 == "number") && (isFinite(data0))){
if(data0 > 3.5e+38 || isNaN(data0)){
validate78.errors = [{instancePath:instancePath+"/threshold",schemaPath:"#/properties/threshold/maximum",keyword:"maximum",params:{comparison: "<=", limit: 3.5e+38}}];
return false;
}
else {
if(data0 < 0 || isNaN(data0)){
validate78.errors = [{instancePath:instancePath+"/threshold",schemaPath:"#/properties/threshold/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
}
else {
validate78.errors = [{instancePath:instancePath+"/threshold",schemaPath:"#/properties/threshold/type",keyword:"type",params:{type: "number"}}];
return false;
}
}
var valid0 = _errs2 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.false_alarm_rate !== undefined){
let data1 = data.false_alarm_rate;
const _errs4 = errors;
if(errors === _errs4){
if((typeof data1 == "number") && (isFinite(data1))){
if(data1 > 1 || isNaN(data1)){
validate78.errors = [{instancePath:instancePath+"/false_alarm_rate",schemaPath:"#/properties/false_alarm_rate/maximum",keyword:"maximum",params:{comparison: "<=", limit: 1}}];
return false;
}
else {
if(data1 <= 0 || isNaN(data1)){
validate78.errors = [{instancePath:instancePath+"/false_alarm_rate",schemaPath:"#/properties/false_alarm_rate/exclusiveMinimum",keyword:"exclusiveMinimum",params:{comparison: ">", limit: 0}}];
return false;
}
}
}
else {
validate78.errors = [{instancePath:instancePath+"/false_alarm_rate",schemaPath:"#/properties/false_alarm_rate/type",keyword:"type",params:{type: "number"}}];
return false;
}
}
var valid0 = _errs4 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.unit !== undefined){
let data2 = data.unit;
const _errs6 = errors;
if(!((data2 === "row") || (data2 === "recording"))){
validate78.errors = [{instancePath:instancePath+"/unit",schemaPath:"#/properties/unit/enum",keyword:"enum",params:{allowedValues: schema30.properties.unit.enum}}];
return false;
}
var valid0 = _errs6 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.units !== undefined){
let data3 = data.units;
const _errs7 = errors;
if(!(((typeof data3 == "number") && (!(data3 % 1) && !isNaN(data3))) && (isFinite(data3)))){
validate78.errors = [{instancePath:instancePath+"/units",schemaPath:"#/properties/units/type",keyword:"type",params:{type: "integer"}}];
return false;
}
if(errors === _errs7){
if((typeof data3 == "number") && (isFinite(data3))){
if(data3 > 9007199254740991 || isNaN(data3)){
validate78.errors = [{instancePath:instancePath+"/units",schemaPath:"#/properties/units/maximum",keyword:"maximum",params:{comparison: "<=", limit: 9007199254740991}}];
return false;
}
else {
if(data3 < 2 || isNaN(data3)){
validate78.errors = [{instancePath:instancePath+"/units",schemaPath:"#/properties/units/minimum",keyword:"minimum",params:{comparison: ">=", limit: 2}}];
return false;
}
}
}
}
var valid0 = _errs7 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.rows !== undefined){
let data4 = data.rows;
const _errs9 = errors;
if(!(((typeof data4 == "number") && (!(data4 % 1) && !isNaN(data4))) && (isFinite(data4)))){
validate78.errors = [{instancePath:instancePath+"/rows",schemaPath:"#/properties/rows/type",keyword:"type",params:{type: "integer"}}];
return false;
}
if(errors === _errs9){
if((typeof data4 == "number") && (isFinite(data4))){
if(data4 > 9007199254740991 || isNaN(data4)){
validate78.errors = [{instancePath:instancePath+"/rows",schemaPath:"#/properties/rows/maximum",keyword:"maximum",params:{comparison: "<=", limit: 9007199254740991}}];
return false;
}
else {
if(data4 < 2 || isNaN(data4)){
validate78.errors = [{instancePath:instancePath+"/rows",schemaPath:"#/properties/rows/minimum",keyword:"minimum",params:{comparison: ">=", limit: 2}}];
return false;
}
}
}
}
var valid0 = _errs9 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.assumes !== undefined){
let data5 = data.assumes;
const _errs11 = errors;
if(errors === _errs11){
if(typeof data5 === "string"){
if(!pattern8.test(data5)){
validate78.errors = [{instancePath:instancePath+"/assumes",schemaPath:"#/properties/assumes/pattern",keyword:"pattern",params:{pattern: "^[^\\u0000-\\u001f\\u007f-\\u009f\\ud800-\\udfff]{0,1000}$"}}];
return false;
}
}
else {
validate78.errors = [{instancePath:instancePath+"/assumes",schemaPath:"#/properties/assumes/type",keyword:"type",params:{type: "string"}}];
return false;
}
}
var valid0 = _errs11 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.estimate !== undefined){
let data6 = data.estimate;
const _errs13 = errors;
if((!(data6 && typeof data6 == "object" && !Array.isArray(data6))) && (data6 !== null)){
validate78.errors = [{instancePath:instancePath+"/estimate",schemaPath:"#/properties/estimate/type",keyword:"type",params:{type: schema30.properties.estimate.type}}];
return false;
}
const _errs15 = errors;
let valid1 = true;
const _errs16 = errors;
if(data6 !== null){
const err0 = {};
if(vErrors === null){
vErrors = [err0];
}
else {
vErrors.push(err0);
}
errors++;
}
var _valid0 = _errs16 === errors;
errors = _errs15;
if(vErrors !== null){
if(_errs15){
vErrors.length = _errs15;
}
else {
vErrors = null;
}
}
if(!_valid0){
const _errs18 = errors;
if(!(validate79(data6, {instancePath:instancePath+"/estimate",parentData:data,parentDataProperty:"estimate",rootData,dynamicAnchors}))){
vErrors = vErrors === null ? validate79.errors : vErrors.concat(validate79.errors);
errors = vErrors.length;
}
var _valid0 = _errs18 === errors;
valid1 = _valid0;
}
if(!valid1){
const err1 = {instancePath:instancePath+"/estimate",schemaPath:"#/properties/estimate/if",keyword:"if",params:{failingKeyword: "else"}};
if(vErrors === null){
vErrors = [err1];
}
else {
vErrors.push(err1);
}
errors++;
validate78.errors = vErrors;
return false;
}
var valid0 = _errs13 === errors;
}
else {
var valid0 = true;
}
}
}
}
}
}
}
}
}
}
else {
validate78.errors = [{instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}}];
return false;
}
}
validate78.errors = vErrors;
return errors === 0;
}
validate78.evaluated = {"props":true,"dynamicProps":false,"dynamicItems":false};


function validate74(data, {instancePath="", parentData, parentDataProperty, rootData=data, dynamicAnchors={}}={}){
let vErrors = null;
let errors = 0;
const evaluated0 = validate74.evaluated;
if(evaluated0.dynamicProps){
evaluated0.props = undefined;
}
if(evaluated0.dynamicItems){
evaluated0.items = undefined;
}
if(errors === 0){
if(data && typeof data == "object" && !Array.isArray(data)){
let missing0;
if((((data.report === undefined) && (missing0 = "report")) || ((data.golden_tolerance === undefined) && (missing0 = "golden_tolerance"))) || ((data.alarm === undefined) && (missing0 = "alarm"))){
validate74.errors = [{instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: missing0}}];
return false;
}
else {
const _errs1 = errors;
for(const key0 in data){
if(!(((key0 === "report") || (key0 === "golden_tolerance")) || (key0 === "alarm"))){
validate74.errors = [{instancePath,schemaPath:"#/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key0}}];
return false;
break;
}
}
if(_errs1 === errors){
if(data.report !== undefined){
let data0 = data.report;
const _errs2 = errors;
if(errors === _errs2){
if(data0 && typeof data0 == "object" && !Array.isArray(data0)){
const _errs4 = errors;
for(const key1 in data0){
if(!((key1 === "static") || (key1 === "weights"))){
validate74.errors = [{instancePath:instancePath+"/report",schemaPath:"#/properties/report/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key1}}];
return false;
break;
}
}
if(_errs4 === errors){
if(data0.static !== undefined){
const _errs5 = errors;
if(!(validate75(data0.static, {instancePath:instancePath+"/report/static",parentData:data0,parentDataProperty:"static",rootData,dynamicAnchors}))){
vErrors = vErrors === null ? validate75.errors : vErrors.concat(validate75.errors);
errors = vErrors.length;
}
var valid1 = _errs5 === errors;
}
else {
var valid1 = true;
}
if(valid1){
if(data0.weights !== undefined){
const _errs6 = errors;
if(!(validate75(data0.weights, {instancePath:instancePath+"/report/weights",parentData:data0,parentDataProperty:"weights",rootData,dynamicAnchors}))){
vErrors = vErrors === null ? validate75.errors : vErrors.concat(validate75.errors);
errors = vErrors.length;
}
var valid1 = _errs6 === errors;
}
else {
var valid1 = true;
}
}
}
}
else {
validate74.errors = [{instancePath:instancePath+"/report",schemaPath:"#/properties/report/type",keyword:"type",params:{type: "object"}}];
return false;
}
}
var valid0 = _errs2 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.golden_tolerance !== undefined){
let data3 = data.golden_tolerance;
const _errs7 = errors;
if((!((typeof data3 == "number") && (isFinite(data3)))) && (data3 !== null)){
validate74.errors = [{instancePath:instancePath+"/golden_tolerance",schemaPath:"#/properties/golden_tolerance/type",keyword:"type",params:{type: schema28.properties.golden_tolerance.type}}];
return false;
}
if(errors === _errs7){
if((typeof data3 == "number") && (isFinite(data3))){
if(data3 <= 0 || isNaN(data3)){
validate74.errors = [{instancePath:instancePath+"/golden_tolerance",schemaPath:"#/properties/golden_tolerance/exclusiveMinimum",keyword:"exclusiveMinimum",params:{comparison: ">", limit: 0}}];
return false;
}
}
}
var valid0 = _errs7 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.alarm !== undefined){
let data4 = data.alarm;
const _errs9 = errors;
if((!(data4 && typeof data4 == "object" && !Array.isArray(data4))) && (data4 !== null)){
validate74.errors = [{instancePath:instancePath+"/alarm",schemaPath:"#/properties/alarm/type",keyword:"type",params:{type: schema28.properties.alarm.type}}];
return false;
}
const _errs11 = errors;
let valid2 = true;
const _errs12 = errors;
if(data4 !== null){
const err0 = {};
if(vErrors === null){
vErrors = [err0];
}
else {
vErrors.push(err0);
}
errors++;
}
var _valid0 = _errs12 === errors;
errors = _errs11;
if(vErrors !== null){
if(_errs11){
vErrors.length = _errs11;
}
else {
vErrors = null;
}
}
if(!_valid0){
const _errs14 = errors;
if(!(validate78(data4, {instancePath:instancePath+"/alarm",parentData:data,parentDataProperty:"alarm",rootData,dynamicAnchors}))){
vErrors = vErrors === null ? validate78.errors : vErrors.concat(validate78.errors);
errors = vErrors.length;
}
var _valid0 = _errs14 === errors;
valid2 = _valid0;
}
if(!valid2){
const err1 = {instancePath:instancePath+"/alarm",schemaPath:"#/properties/alarm/if",keyword:"if",params:{failingKeyword: "else"}};
if(vErrors === null){
vErrors = [err1];
}
else {
vErrors.push(err1);
}
errors++;
validate74.errors = vErrors;
return false;
}
var valid0 = _errs9 === errors;
}
else {
var valid0 = true;
}
}
}
}
}
}
else {
validate74.errors = [{instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}}];
return false;
}
}
validate74.errors = vErrors;
return errors === 0;
}
validate74.evaluated = {"props":true,"dynamicProps":false,"dynamicItems":false};


function validate69(data, {instancePath="", parentData, parentDataProperty, rootData=data, dynamicAnchors={}}={}){
let vErrors = null;
let errors = 0;
const evaluated0 = validate69.evaluated;
if(evaluated0.dynamicProps){
evaluated0.props = undefined;
}
if(evaluated0.dynamicItems){
evaluated0.items = undefined;
}
if(errors === 0){
if(data && typeof data == "object" && !Array.isArray(data)){
let missing0;
if((((data.kept === undefined) && (missing0 = "kept")) || ((data.reasons === undefined) && (missing0 = "reasons"))) || ((data.report === undefined) && (missing0 = "report"))){
validate69.errors = [{instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: missing0}}];
return false;
}
else {
const _errs1 = errors;
for(const key0 in data){
if(!(func1.call(schema26.properties, key0))){
validate69.errors = [{instancePath,schemaPath:"#/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key0}}];
return false;
break;
}
}
if(_errs1 === errors){
if(data.kept !== undefined){
const _errs2 = errors;
if(typeof data.kept !== "boolean"){
validate69.errors = [{instancePath:instancePath+"/kept",schemaPath:"#/properties/kept/type",keyword:"type",params:{type: "boolean"}}];
return false;
}
var valid0 = _errs2 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.reasons !== undefined){
let data1 = data.reasons;
const _errs4 = errors;
if(errors === _errs4){
if(Array.isArray(data1)){
var valid1 = true;
const len0 = data1.length;
for(let i0=0; i0<len0; i0++){
let data2 = data1[i0];
const _errs6 = errors;
if(errors === _errs6){
if(typeof data2 === "string"){
if(!pattern8.test(data2)){
validate69.errors = [{instancePath:instancePath+"/reasons/" + i0,schemaPath:"#/properties/reasons/items/pattern",keyword:"pattern",params:{pattern: "^[^\\u0000-\\u001f\\u007f-\\u009f\\ud800-\\udfff]{0,1000}$"}}];
return false;
}
}
else {
validate69.errors = [{instancePath:instancePath+"/reasons/" + i0,schemaPath:"#/properties/reasons/items/type",keyword:"type",params:{type: "string"}}];
return false;
}
}
var valid1 = _errs6 === errors;
if(!valid1){
break;
}
}
}
else {
validate69.errors = [{instancePath:instancePath+"/reasons",schemaPath:"#/properties/reasons/type",keyword:"type",params:{type: "array"}}];
return false;
}
}
var valid0 = _errs4 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.report !== undefined){
let data3 = data.report;
const _errs8 = errors;
if(errors === _errs8){
if(data3 && typeof data3 == "object" && !Array.isArray(data3)){
const _errs10 = errors;
for(const key1 in data3){
if(!(((key1 === "static") || (key1 === "dynamic")) || (key1 === "weights"))){
validate69.errors = [{instancePath:instancePath+"/report",schemaPath:"#/properties/report/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key1}}];
return false;
break;
}
}
if(_errs10 === errors){
if(data3.static !== undefined){
const _errs11 = errors;
if(!(validate70(data3.static, {instancePath:instancePath+"/report/static",parentData:data3,parentDataProperty:"static",rootData,dynamicAnchors}))){
vErrors = vErrors === null ? validate70.errors : vErrors.concat(validate70.errors);
errors = vErrors.length;
}
var valid2 = _errs11 === errors;
}
else {
var valid2 = true;
}
if(valid2){
if(data3.dynamic !== undefined){
const _errs12 = errors;
if(!(validate70(data3.dynamic, {instancePath:instancePath+"/report/dynamic",parentData:data3,parentDataProperty:"dynamic",rootData,dynamicAnchors}))){
vErrors = vErrors === null ? validate70.errors : vErrors.concat(validate70.errors);
errors = vErrors.length;
}
var valid2 = _errs12 === errors;
}
else {
var valid2 = true;
}
if(valid2){
if(data3.weights !== undefined){
const _errs13 = errors;
if(!(validate70(data3.weights, {instancePath:instancePath+"/report/weights",parentData:data3,parentDataProperty:"weights",rootData,dynamicAnchors}))){
vErrors = vErrors === null ? validate70.errors : vErrors.concat(validate70.errors);
errors = vErrors.length;
}
var valid2 = _errs13 === errors;
}
else {
var valid2 = true;
}
}
}
}
}
else {
validate69.errors = [{instancePath:instancePath+"/report",schemaPath:"#/properties/report/type",keyword:"type",params:{type: "object"}}];
return false;
}
}
var valid0 = _errs8 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.method !== undefined){
let data7 = data.method;
const _errs14 = errors;
if(!(((data7 === "static") || (data7 === "dynamic")) || (data7 === "weights"))){
validate69.errors = [{instancePath:instancePath+"/method",schemaPath:"#/properties/method/enum",keyword:"enum",params:{allowedValues: schema26.properties.method.enum}}];
return false;
}
var valid0 = _errs14 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.weight_bits !== undefined){
let data8 = data.weight_bits;
const _errs15 = errors;
if(!((data8 === 7) || (data8 === 8))){
validate69.errors = [{instancePath:instancePath+"/weight_bits",schemaPath:"#/properties/weight_bits/enum",keyword:"enum",params:{allowedValues: schema26.properties.weight_bits.enum}}];
return false;
}
var valid0 = _errs15 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.activation !== undefined){
let data9 = data.activation;
const _errs16 = errors;
if(!((data9 === "uint8") || (data9 === "float32"))){
validate69.errors = [{instancePath:instancePath+"/activation",schemaPath:"#/properties/activation/enum",keyword:"enum",params:{allowedValues: schema26.properties.activation.enum}}];
return false;
}
var valid0 = _errs16 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.portable !== undefined){
const _errs17 = errors;
if(typeof data.portable !== "boolean"){
validate69.errors = [{instancePath:instancePath+"/portable",schemaPath:"#/properties/portable/type",keyword:"type",params:{type: "boolean"}}];
return false;
}
var valid0 = _errs17 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.portability !== undefined){
let data11 = data.portability;
const _errs19 = errors;
if(errors === _errs19){
if(typeof data11 === "string"){
if(!pattern8.test(data11)){
validate69.errors = [{instancePath:instancePath+"/portability",schemaPath:"#/properties/portability/pattern",keyword:"pattern",params:{pattern: "^[^\\u0000-\\u001f\\u007f-\\u009f\\ud800-\\udfff]{0,1000}$"}}];
return false;
}
}
else {
validate69.errors = [{instancePath:instancePath+"/portability",schemaPath:"#/properties/portability/type",keyword:"type",params:{type: "string"}}];
return false;
}
}
var valid0 = _errs19 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.calibration_rows !== undefined){
let data12 = data.calibration_rows;
const _errs21 = errors;
if(!(((typeof data12 == "number") && (!(data12 % 1) && !isNaN(data12))) && (isFinite(data12)))){
validate69.errors = [{instancePath:instancePath+"/calibration_rows",schemaPath:"#/properties/calibration_rows/type",keyword:"type",params:{type: "integer"}}];
return false;
}
if(errors === _errs21){
if((typeof data12 == "number") && (isFinite(data12))){
if(data12 > 9007199254740991 || isNaN(data12)){
validate69.errors = [{instancePath:instancePath+"/calibration_rows",schemaPath:"#/properties/calibration_rows/maximum",keyword:"maximum",params:{comparison: "<=", limit: 9007199254740991}}];
return false;
}
else {
if(data12 < 1 || isNaN(data12)){
validate69.errors = [{instancePath:instancePath+"/calibration_rows",schemaPath:"#/properties/calibration_rows/minimum",keyword:"minimum",params:{comparison: ">=", limit: 1}}];
return false;
}
}
}
}
var valid0 = _errs21 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.held_out_rows !== undefined){
let data13 = data.held_out_rows;
const _errs23 = errors;
if(!(((typeof data13 == "number") && (!(data13 % 1) && !isNaN(data13))) && (isFinite(data13)))){
validate69.errors = [{instancePath:instancePath+"/held_out_rows",schemaPath:"#/properties/held_out_rows/type",keyword:"type",params:{type: "integer"}}];
return false;
}
if(errors === _errs23){
if((typeof data13 == "number") && (isFinite(data13))){
if(data13 > 9007199254740991 || isNaN(data13)){
validate69.errors = [{instancePath:instancePath+"/held_out_rows",schemaPath:"#/properties/held_out_rows/maximum",keyword:"maximum",params:{comparison: "<=", limit: 9007199254740991}}];
return false;
}
else {
if(data13 < 1 || isNaN(data13)){
validate69.errors = [{instancePath:instancePath+"/held_out_rows",schemaPath:"#/properties/held_out_rows/minimum",keyword:"minimum",params:{comparison: ">=", limit: 1}}];
return false;
}
}
}
}
var valid0 = _errs23 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.parity !== undefined){
let data14 = data.parity;
const _errs25 = errors;
if(errors === _errs25){
if(data14 && typeof data14 == "object" && !Array.isArray(data14)){
let missing1;
if(((((data14.jaccard === undefined) && (missing1 = "jaccard")) || ((data14.max_abs_error === undefined) && (missing1 = "max_abs_error"))) || ((data14.rows === undefined) && (missing1 = "rows"))) || ((data14.batch_sizes === undefined) && (missing1 = "batch_sizes"))){
validate69.errors = [{instancePath:instancePath+"/parity",schemaPath:"#/properties/parity/required",keyword:"required",params:{missingProperty: missing1}}];
return false;
}
else {
const _errs27 = errors;
for(const key2 in data14){
if(!((((key2 === "jaccard") || (key2 === "max_abs_error")) || (key2 === "rows")) || (key2 === "batch_sizes"))){
validate69.errors = [{instancePath:instancePath+"/parity",schemaPath:"#/properties/parity/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key2}}];
return false;
break;
}
}
if(_errs27 === errors){
if(data14.jaccard !== undefined){
let data15 = data14.jaccard;
const _errs28 = errors;
if(errors === _errs28){
if((typeof data15 == "number") && (isFinite(data15))){
if(data15 > 1 || isNaN(data15)){
validate69.errors = [{instancePath:instancePath+"/parity/jaccard",schemaPath:"#/properties/parity/properties/jaccard/maximum",keyword:"maximum",params:{comparison: "<=", limit: 1}}];
return false;
}
else {
if(data15 < 0 || isNaN(data15)){
validate69.errors = [{instancePath:instancePath+"/parity/jaccard",schemaPath:"#/properties/parity/properties/jaccard/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
}
else {
validate69.errors = [{instancePath:instancePath+"/parity/jaccard",schemaPath:"#/properties/parity/properties/jaccard/type",keyword:"type",params:{type: "number"}}];
return false;
}
}
var valid3 = _errs28 === errors;
}
else {
var valid3 = true;
}
if(valid3){
if(data14.max_abs_error !== undefined){
let data16 = data14.max_abs_error;
const _errs30 = errors;
if(errors === _errs30){
if((typeof data16 == "number") && (isFinite(data16))){
if(data16 < 0 || isNaN(data16)){
validate69.errors = [{instancePath:instancePath+"/parity/max_abs_error",schemaPath:"#/properties/parity/properties/max_abs_error/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
else {
validate69.errors = [{instancePath:instancePath+"/parity/max_abs_error",schemaPath:"#/properties/parity/properties/max_abs_error/type",keyword:"type",params:{type: "number"}}];
return false;
}
}
var valid3 = _errs30 === errors;
}
else {
var valid3 = true;
}
if(valid3){
if(data14.rows !== undefined){
let data17 = data14.rows;
const _errs32 = errors;
if(!(((typeof data17 == "number") && (!(data17 % 1) && !isNaN(data17))) && (isFinite(data17)))){
validate69.errors = [{instancePath:instancePath+"/parity/rows",schemaPath:"#/properties/parity/properties/rows/type",keyword:"type",params:{type: "integer"}}];
return false;
}
if(errors === _errs32){
if((typeof data17 == "number") && (isFinite(data17))){
if(data17 > 9007199254740991 || isNaN(data17)){
validate69.errors = [{instancePath:instancePath+"/parity/rows",schemaPath:"#/properties/parity/properties/rows/maximum",keyword:"maximum",params:{comparison: "<=", limit: 9007199254740991}}];
return false;
}
else {
if(data17 < 1 || isNaN(data17)){
validate69.errors = [{instancePath:instancePath+"/parity/rows",schemaPath:"#/properties/parity/properties/rows/minimum",keyword:"minimum",params:{comparison: ">=", limit: 1}}];
return false;
}
}
}
}
var valid3 = _errs32 === errors;
}
else {
var valid3 = true;
}
if(valid3){
if(data14.batch_sizes !== undefined){
let data18 = data14.batch_sizes;
const _errs34 = errors;
if(errors === _errs34){
if(Array.isArray(data18)){
var valid4 = true;
const len1 = data18.length;
for(let i1=0; i1<len1; i1++){
let data19 = data18[i1];
const _errs36 = errors;
if(!(((typeof data19 == "number") && (!(data19 % 1) && !isNaN(data19))) && (isFinite(data19)))){
validate69.errors = [{instancePath:instancePath+"/parity/batch_sizes/" + i1,schemaPath:"#/properties/parity/properties/batch_sizes/items/type",keyword:"type",params:{type: "integer"}}];
return false;
}
if(errors === _errs36){
if((typeof data19 == "number") && (isFinite(data19))){
if(data19 > 9007199254740991 || isNaN(data19)){
validate69.errors = [{instancePath:instancePath+"/parity/batch_sizes/" + i1,schemaPath:"#/properties/parity/properties/batch_sizes/items/maximum",keyword:"maximum",params:{comparison: "<=", limit: 9007199254740991}}];
return false;
}
else {
if(data19 < 1 || isNaN(data19)){
validate69.errors = [{instancePath:instancePath+"/parity/batch_sizes/" + i1,schemaPath:"#/properties/parity/properties/batch_sizes/items/minimum",keyword:"minimum",params:{comparison: ">=", limit: 1}}];
return false;
}
}
}
}
var valid4 = _errs36 === errors;
if(!valid4){
break;
}
}
}
else {
validate69.errors = [{instancePath:instancePath+"/parity/batch_sizes",schemaPath:"#/properties/parity/properties/batch_sizes/type",keyword:"type",params:{type: "array"}}];
return false;
}
}
var valid3 = _errs34 === errors;
}
else {
var valid3 = true;
}
}
}
}
}
}
}
else {
validate69.errors = [{instancePath:instancePath+"/parity",schemaPath:"#/properties/parity/type",keyword:"type",params:{type: "object"}}];
return false;
}
}
var valid0 = _errs25 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.golden_tolerance !== undefined){
let data20 = data.golden_tolerance;
const _errs38 = errors;
if((!((typeof data20 == "number") && (isFinite(data20)))) && (data20 !== null)){
validate69.errors = [{instancePath:instancePath+"/golden_tolerance",schemaPath:"#/properties/golden_tolerance/type",keyword:"type",params:{type: schema26.properties.golden_tolerance.type}}];
return false;
}
if(errors === _errs38){
if((typeof data20 == "number") && (isFinite(data20))){
if(data20 <= 0 || isNaN(data20)){
validate69.errors = [{instancePath:instancePath+"/golden_tolerance",schemaPath:"#/properties/golden_tolerance/exclusiveMinimum",keyword:"exclusiveMinimum",params:{comparison: ">", limit: 0}}];
return false;
}
}
}
var valid0 = _errs38 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.score !== undefined){
const _errs40 = errors;
if(!(validate74(data.score, {instancePath:instancePath+"/score",parentData:data,parentDataProperty:"score",rootData,dynamicAnchors}))){
vErrors = vErrors === null ? validate74.errors : vErrors.concat(validate74.errors);
errors = vErrors.length;
}
var valid0 = _errs40 === errors;
}
else {
var valid0 = true;
}
}
}
}
}
}
}
}
}
}
}
}
}
}
}
}
else {
validate69.errors = [{instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}}];
return false;
}
}
validate69.errors = vErrors;
return errors === 0;
}
validate69.evaluated = {"props":true,"dynamicProps":false,"dynamicItems":false};

const schema32 = {"type":"object","required":["rows","l0","dead_units","mean_activation","active_share","activation_std","active_std","activation_skewness","active_skewness","drift"],"properties":{"rows":{"type":"integer","minimum":1,"maximum":9007199254740991},"l0":{"type":"number","minimum":0},"dead_units":{"type":"integer","minimum":0,"maximum":9007199254740991},"mean_activation":{"type":"array","items":{"type":"number","minimum":-3.5e+38,"maximum":3.5e+38}},"active_share":{"type":"array","items":{"type":"number","minimum":0,"maximum":1}},"activation_std":{"type":"array","items":{"type":"number","minimum":0,"maximum":3.5e+38}},"active_std":{"type":"array","items":{"type":"number","minimum":0,"maximum":1}},"activation_skewness":{"type":"array","items":{"type":"number","minimum":-1000000000,"maximum":1000000000}},"active_skewness":{"type":"array","items":{"type":"number","minimum":-1000000000,"maximum":1000000000}},"drift":{"type":["object","null"],"if":{"type":"null"},"then":{},"else":{"$ref":"#/$defs/drift"}},"columns":{"$ref":"#/$defs/columns"}},"additionalProperties":false};
const schema33 = {"type":"object","required":["false_alarm_rate","replicates","batch_sizes","thresholds","spread_weights","total_weights","total"],"additionalProperties":false,"properties":{"false_alarm_rate":{"type":"number","exclusiveMinimum":0,"maximum":0.5},"replicates":{"type":"integer","minimum":1,"maximum":9007199254740991},"batch_sizes":{"type":"array","minItems":1,"items":{"type":"integer","minimum":1,"maximum":9007199254740991}},"thresholds":{"type":"array","items":{"type":"number","exclusiveMinimum":0}},"spread_weights":{"type":"array","items":{"type":"number","minimum":0}},"total_weights":{"type":"array","items":{"type":"number","minimum":0}},"total":{"type":"object","required":["mean","std","skewness"],"additionalProperties":false,"properties":{"mean":{"type":"array","minItems":2,"maxItems":2,"items":{"type":"number","minimum":-3.5e+38,"maximum":3.5e+38}},"std":{"type":"array","minItems":2,"maxItems":2,"items":{"type":"number","minimum":0,"maximum":3.5e+38}},"skewness":{"type":"array","minItems":2,"maxItems":2,"items":{"type":"number","minimum":-1000000000,"maximum":1000000000}}}}}};

function validate85(data, {instancePath="", parentData, parentDataProperty, rootData=data, dynamicAnchors={}}={}){
let vErrors = null;
let errors = 0;
const evaluated0 = validate85.evaluated;
if(evaluated0.dynamicProps){
evaluated0.props = undefined;
}
if(evaluated0.dynamicItems){
evaluated0.items = undefined;
}
if(errors === 0){
if(data && typeof data == "object" && !Array.isArray(data)){
let missing0;
if((((((((data.false_alarm_rate === undefined) && (missing0 = "false_alarm_rate")) || ((data.replicates === undefined) && (missing0 = "replicates"))) || ((data.batch_sizes === undefined) && (missing0 = "batch_sizes"))) || ((data.thresholds === undefined) && (missing0 = "thresholds"))) || ((data.spread_weights === undefined) && (missing0 = "spread_weights"))) || ((data.total_weights === undefined) && (missing0 = "total_weights"))) || ((data.total === undefined) && (missing0 = "total"))){
validate85.errors = [{instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: missing0}}];
return false;
}
else {
const _errs1 = errors;
for(const key0 in data){
if(!(((((((key0 === "false_alarm_rate") || (key0 === "replicates")) || (key0 === "batch_sizes")) || (key0 === "thresholds")) || (key0 === "spread_weights")) || (key0 === "total_weights")) || (key0 === "total"))){
validate85.errors = [{instancePath,schemaPath:"#/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key0}}];
return false;
break;
}
}
if(_errs1 === errors){
if(data.false_alarm_rate !== undefined){
let data0 = data.false_alarm_rate;
const _errs2 = errors;
if(errors === _errs2){
if((typeof data0 == "number") && (isFinite(data0))){
if(data0 > 0.5 || isNaN(data0)){
validate85.errors = [{instancePath:instancePath+"/false_alarm_rate",schemaPath:"#/properties/false_alarm_rate/maximum",keyword:"maximum",params:{comparison: "<=", limit: 0.5}}];
return false;
}
else {
if(data0 <= 0 || isNaN(data0)){
validate85.errors = [{instancePath:instancePath+"/false_alarm_rate",schemaPath:"#/properties/false_alarm_rate/exclusiveMinimum",keyword:"exclusiveMinimum",params:{comparison: ">", limit: 0}}];
return false;
}
}
}
else {
validate85.errors = [{instancePath:instancePath+"/false_alarm_rate",schemaPath:"#/properties/false_alarm_rate/type",keyword:"type",params:{type: "number"}}];
return false;
}
}
var valid0 = _errs2 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.replicates !== undefined){
let data1 = data.replicates;
const _errs4 = errors;
if(!(((typeof data1 == "number") && (!(data1 % 1) && !isNaN(data1))) && (isFinite(data1)))){
validate85.errors = [{instancePath:instancePath+"/replicates",schemaPath:"#/properties/replicates/type",keyword:"type",params:{type: "integer"}}];
return false;
}
if(errors === _errs4){
if((typeof data1 == "number") && (isFinite(data1))){
if(data1 > 9007199254740991 || isNaN(data1)){
validate85.errors = [{instancePath:instancePath+"/replicates",schemaPath:"#/properties/replicates/maximum",keyword:"maximum",params:{comparison: "<=", limit: 9007199254740991}}];
return false;
}
else {
if(data1 < 1 || isNaN(data1)){
validate85.errors = [{instancePath:instancePath+"/replicates",schemaPath:"#/properties/replicates/minimum",keyword:"minimum",params:{comparison: ">=", limit: 1}}];
return false;
}
}
}
}
var valid0 = _errs4 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.batch_sizes !== undefined){
let data2 = data.batch_sizes;
const _errs6 = errors;
if(errors === _errs6){
if(Array.isArray(data2)){
if(data2.length < 1){
validate85.errors = [{instancePath:instancePath+"/batch_sizes",schemaPath:"#/properties/batch_sizes/minItems",keyword:"minItems",params:{limit: 1}}];
return false;
}
else {
var valid1 = true;
const len0 = data2.length;
for(let i0=0; i0<len0; i0++){
let data3 = data2[i0];
const _errs8 = errors;
if(!(((typeof data3 == "number") && (!(data3 % 1) && !isNaN(data3))) && (isFinite(data3)))){
validate85.errors = [{instancePath:instancePath+"/batch_sizes/" + i0,schemaPath:"#/properties/batch_sizes/items/type",keyword:"type",params:{type: "integer"}}];
return false;
}
if(errors === _errs8){
if((typeof data3 == "number") && (isFinite(data3))){
if(data3 > 9007199254740991 || isNaN(data3)){
validate85.errors = [{instancePath:instancePath+"/batch_sizes/" + i0,schemaPath:"#/properties/batch_sizes/items/maximum",keyword:"maximum",params:{comparison: "<=", limit: 9007199254740991}}];
return false;
}
else {
if(data3 < 1 || isNaN(data3)){
validate85.errors = [{instancePath:instancePath+"/batch_sizes/" + i0,schemaPath:"#/properties/batch_sizes/items/minimum",keyword:"minimum",params:{comparison: ">=", limit: 1}}];
return false;
}
}
}
}
var valid1 = _errs8 === errors;
if(!valid1){
break;
}
}
}
}
else {
validate85.errors = [{instancePath:instancePath+"/batch_sizes",schemaPath:"#/properties/batch_sizes/type",keyword:"type",params:{type: "array"}}];
return false;
}
}
var valid0 = _errs6 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.thresholds !== undefined){
let data4 = data.thresholds;
const _errs10 = errors;
if(errors === _errs10){
if(Array.isArray(data4)){
var valid2 = true;
const len1 = data4.length;
for(let i1=0; i1<len1; i1++){
let data5 = data4[i1];
const _errs12 = errors;
if(errors === _errs12){
if((typeof data5 == "number") && (isFinite(data5))){
if(data5 <= 0 || isNaN(data5)){
validate85.errors = [{instancePath:instancePath+"/thresholds/" + i1,schemaPath:"#/properties/thresholds/items/exclusiveMinimum",keyword:"exclusiveMinimum",params:{comparison: ">", limit: 0}}];
return false;
}
}
else {
validate85.errors = [{instancePath:instancePath+"/thresholds/" + i1,schemaPath:"#/properties/thresholds/items/type",keyword:"type",params:{type: "number"}}];
return false;
}
}
var valid2 = _errs12 === errors;
if(!valid2){
break;
}
}
}
else {
validate85.errors = [{instancePath:instancePath+"/thresholds",schemaPath:"#/properties/thresholds/type",keyword:"type",params:{type: "array"}}];
return false;
}
}
var valid0 = _errs10 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.spread_weights !== undefined){
let data6 = data.spread_weights;
const _errs14 = errors;
if(errors === _errs14){
if(Array.isArray(data6)){
var valid3 = true;
const len2 = data6.length;
for(let i2=0; i2<len2; i2++){
let data7 = data6[i2];
const _errs16 = errors;
if(errors === _errs16){
if((typeof data7 == "number") && (isFinite(data7))){
if(data7 < 0 || isNaN(data7)){
validate85.errors = [{instancePath:instancePath+"/spread_weights/" + i2,schemaPath:"#/properties/spread_weights/items/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
else {
validate85.errors = [{instancePath:instancePath+"/spread_weights/" + i2,schemaPath:"#/properties/spread_weights/items/type",keyword:"type",params:{type: "number"}}];
return false;
}
}
var valid3 = _errs16 === errors;
if(!valid3){
break;
}
}
}
else {
validate85.errors = [{instancePath:instancePath+"/spread_weights",schemaPath:"#/properties/spread_weights/type",keyword:"type",params:{type: "array"}}];
return false;
}
}
var valid0 = _errs14 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.total_weights !== undefined){
let data8 = data.total_weights;
const _errs18 = errors;
if(errors === _errs18){
if(Array.isArray(data8)){
var valid4 = true;
const len3 = data8.length;
for(let i3=0; i3<len3; i3++){
let data9 = data8[i3];
const _errs20 = errors;
if(errors === _errs20){
if((typeof data9 == "number") && (isFinite(data9))){
if(data9 < 0 || isNaN(data9)){
validate85.errors = [{instancePath:instancePath+"/total_weights/" + i3,schemaPath:"#/properties/total_weights/items/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
else {
validate85.errors = [{instancePath:instancePath+"/total_weights/" + i3,schemaPath:"#/properties/total_weights/items/type",keyword:"type",params:{type: "number"}}];
return false;
}
}
var valid4 = _errs20 === errors;
if(!valid4){
break;
}
}
}
else {
validate85.errors = [{instancePath:instancePath+"/total_weights",schemaPath:"#/properties/total_weights/type",keyword:"type",params:{type: "array"}}];
return false;
}
}
var valid0 = _errs18 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.total !== undefined){
let data10 = data.total;
const _errs22 = errors;
if(errors === _errs22){
if(data10 && typeof data10 == "object" && !Array.isArray(data10)){
let missing1;
if((((data10.mean === undefined) && (missing1 = "mean")) || ((data10.std === undefined) && (missing1 = "std"))) || ((data10.skewness === undefined) && (missing1 = "skewness"))){
validate85.errors = [{instancePath:instancePath+"/total",schemaPath:"#/properties/total/required",keyword:"required",params:{missingProperty: missing1}}];
return false;
}
else {
const _errs24 = errors;
for(const key1 in data10){
if(!(((key1 === "mean") || (key1 === "std")) || (key1 === "skewness"))){
validate85.errors = [{instancePath:instancePath+"/total",schemaPath:"#/properties/total/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key1}}];
return false;
break;
}
}
if(_errs24 === errors){
if(data10.mean !== undefined){
let data11 = data10.mean;
const _errs25 = errors;
if(errors === _errs25){
if(Array.isArray(data11)){
if(data11.length > 2){
validate85.errors = [{instancePath:instancePath+"/total/mean",schemaPath:"#/properties/total/properties/mean/maxItems",keyword:"maxItems",params:{limit: 2}}];
return false;
}
else {
if(data11.length < 2){
validate85.errors = [{instancePath:instancePath+"/total/mean",schemaPath:"#/properties/total/properties/mean/minItems",keyword:"minItems",params:{limit: 2}}];
return false;
}
else {
var valid6 = true;
const len4 = data11.length;
for(let i4=0; i4<len4; i4++){
let data12 = data11[i4];
const _errs27 = errors;
if(errors === _errs27){
if((typeof data12 == "number") && (isFinite(data12))){
if(data12 > 3.5e+38 || isNaN(data12)){
validate85.errors = [{instancePath:instancePath+"/total/mean/" + i4,schemaPath:"#/properties/total/properties/mean/items/maximum",keyword:"maximum",params:{comparison: "<=", limit: 3.5e+38}}];
return false;
}
else {
if(data12 < -3.5e+38 || isNaN(data12)){
validate85.errors = [{instancePath:instancePath+"/total/mean/" + i4,schemaPath:"#/properties/total/properties/mean/items/minimum",keyword:"minimum",params:{comparison: ">=", limit: -3.5e+38}}];
return false;
}
}
}
else {
validate85.errors = [{instancePath:instancePath+"/total/mean/" + i4,schemaPath:"#/properties/total/properties/mean/items/type",keyword:"type",params:{type: "number"}}];
return false;
}
}
var valid6 = _errs27 === errors;
if(!valid6){
break;
}
}
}
}
}
else {
validate85.errors = [{instancePath:instancePath+"/total/mean",schemaPath:"#/properties/total/properties/mean/type",keyword:"type",params:{type: "array"}}];
return false;
}
}
var valid5 = _errs25 === errors;
}
else {
var valid5 = true;
}
if(valid5){
if(data10.std !== undefined){
let data13 = data10.std;
const _errs29 = errors;
if(errors === _errs29){
if(Array.isArray(data13)){
if(data13.length > 2){
validate85.errors = [{instancePath:instancePath+"/total/std",schemaPath:"#/properties/total/properties/std/maxItems",keyword:"maxItems",params:{limit: 2}}];
return false;
}
else {
if(data13.length < 2){
validate85.errors = [{instancePath:instancePath+"/total/std",schemaPath:"#/properties/total/properties/std/minItems",keyword:"minItems",params:{limit: 2}}];
return false;
}
else {
var valid7 = true;
const len5 = data13.length;
for(let i5=0; i5<len5; i5++){
let data14 = data13[i5];
const _errs31 = errors;
if(errors === _errs31){
if((typeof data14 == "number") && (isFinite(data14))){
if(data14 > 3.5e+38 || isNaN(data14)){
validate85.errors = [{instancePath:instancePath+"/total/std/" + i5,schemaPath:"#/properties/total/properties/std/items/maximum",keyword:"maximum",params:{comparison: "<=", limit: 3.5e+38}}];
return false;
}
else {
if(data14 < 0 || isNaN(data14)){
validate85.errors = [{instancePath:instancePath+"/total/std/" + i5,schemaPath:"#/properties/total/properties/std/items/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
}
else {
validate85.errors = [{instancePath:instancePath+"/total/std/" + i5,schemaPath:"#/properties/total/properties/std/items/type",keyword:"type",params:{type: "number"}}];
return false;
}
}
var valid7 = _errs31 === errors;
if(!valid7){
break;
}
}
}
}
}
else {
validate85.errors = [{instancePath:instancePath+"/total/std",schemaPath:"#/properties/total/properties/std/type",keyword:"type",params:{type: "array"}}];
return false;
}
}
var valid5 = _errs29 === errors;
}
else {
var valid5 = true;
}
if(valid5){
if(data10.skewness !== undefined){
let data15 = data10.skewness;
const _errs33 = errors;
if(errors === _errs33){
if(Array.isArray(data15)){
if(data15.length > 2){
validate85.errors = [{instancePath:instancePath+"/total/skewness",schemaPath:"#/properties/total/properties/skewness/maxItems",keyword:"maxItems",params:{limit: 2}}];
return false;
}
else {
if(data15.length < 2){
validate85.errors = [{instancePath:instancePath+"/total/skewness",schemaPath:"#/properties/total/properties/skewness/minItems",keyword:"minItems",params:{limit: 2}}];
return false;
}
else {
var valid8 = true;
const len6 = data15.length;
for(let i6=0; i6<len6; i6++){
let data16 = data15[i6];
const _errs35 = errors;
if(errors === _errs35){
if((typeof data16 == "number") && (isFinite(data16))){
if(data16 > 1000000000 || isNaN(data16)){
validate85.errors = [{instancePath:instancePath+"/total/skewness/" + i6,schemaPath:"#/properties/total/properties/skewness/items/maximum",keyword:"maximum",params:{comparison: "<=", limit: 1000000000}}];
return false;
}
else {
if(data16 < -1000000000 || isNaN(data16)){
validate85.errors = [{instancePath:instancePath+"/total/skewness/" + i6,schemaPath:"#/properties/total/properties/skewness/items/minimum",keyword:"minimum",params:{comparison: ">=", limit: -1000000000}}];
return false;
}
}
}
else {
validate85.errors = [{instancePath:instancePath+"/total/skewness/" + i6,schemaPath:"#/properties/total/properties/skewness/items/type",keyword:"type",params:{type: "number"}}];
return false;
}
}
var valid8 = _errs35 === errors;
if(!valid8){
break;
}
}
}
}
}
else {
validate85.errors = [{instancePath:instancePath+"/total/skewness",schemaPath:"#/properties/total/properties/skewness/type",keyword:"type",params:{type: "array"}}];
return false;
}
}
var valid5 = _errs33 === errors;
}
else {
var valid5 = true;
}
}
}
}
}
}
else {
validate85.errors = [{instancePath:instancePath+"/total",schemaPath:"#/properties/total/type",keyword:"type",params:{type: "object"}}];
return false;
}
}
var valid0 = _errs22 === errors;
}
else {
var valid0 = true;
}
}
}
}
}
}
}
}
}
}
else {
validate85.errors = [{instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}}];
return false;
}
}
validate85.errors = vErrors;
return errors === 0;
}
validate85.evaluated = {"props":true,"dynamicProps":false,"dynamicItems":false};

const schema34 = {"type":"object","required":["rows","mean","std","skewness"],"additionalProperties":false,"properties":{"rows":{"type":"array","minItems":1,"maxItems":16384,"items":{"type":"integer","minimum":0,"maximum":9007199254740991}},"mean":{"type":"array","minItems":1,"maxItems":16384,"items":{"type":"number","minimum":-3.5e+38,"maximum":3.5e+38}},"std":{"type":"array","minItems":1,"maxItems":16384,"items":{"type":"number","minimum":0,"maximum":3.5e+38}},"skewness":{"type":"array","minItems":1,"maxItems":16384,"items":{"type":"number","minimum":-1000000000,"maximum":1000000000}}}};

function validate87(data, {instancePath="", parentData, parentDataProperty, rootData=data, dynamicAnchors={}}={}){
let vErrors = null;
let errors = 0;
const evaluated0 = validate87.evaluated;
if(evaluated0.dynamicProps){
evaluated0.props = undefined;
}
if(evaluated0.dynamicItems){
evaluated0.items = undefined;
}
if(errors === 0){
if(data && typeof data == "object" && !Array.isArray(data)){
let missing0;
if(((((data.rows === undefined) && (missing0 = "rows")) || ((data.mean === undefined) && (missing0 = "mean"))) || ((data.std === undefined) && (missing0 = "std"))) || ((data.skewness === undefined) && (missing0 = "skewness"))){
validate87.errors = [{instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: missing0}}];
return false;
}
else {
const _errs1 = errors;
for(const key0 in data){
if(!((((key0 === "rows") || (key0 === "mean")) || (key0 === "std")) || (key0 === "skewness"))){
validate87.errors = [{instancePath,schemaPath:"#/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key0}}];
return false;
break;
}
}
if(_errs1 === errors){
if(data.rows !== undefined){
let data0 = data.rows;
const _errs2 = errors;
if(errors === _errs2){
if(Array.isArray(data0)){
if(data0.length > 16384){
validate87.errors = [{instancePath:instancePath+"/rows",schemaPath:"#/properties/rows/maxItems",keyword:"maxItems",params:{limit: 16384}}];
return false;
}
else {
if(data0.length < 1){
validate87.errors = [{instancePath:instancePath+"/rows",schemaPath:"#/properties/rows/minItems",keyword:"minItems",params:{limit: 1}}];
return false;
}
else {
var valid1 = true;
const len0 = data0.length;
for(let i0=0; i0<len0; i0++){
let data1 = data0[i0];
const _errs4 = errors;
if(!(((typeof data1 == "number") && (!(data1 % 1) && !isNaN(data1))) && (isFinite(data1)))){
validate87.errors = [{instancePath:instancePath+"/rows/" + i0,schemaPath:"#/properties/rows/items/type",keyword:"type",params:{type: "integer"}}];
return false;
}
if(errors === _errs4){
if((typeof data1 == "number") && (isFinite(data1))){
if(data1 > 9007199254740991 || isNaN(data1)){
validate87.errors = [{instancePath:instancePath+"/rows/" + i0,schemaPath:"#/properties/rows/items/maximum",keyword:"maximum",params:{comparison: "<=", limit: 9007199254740991}}];
return false;
}
else {
if(data1 < 0 || isNaN(data1)){
validate87.errors = [{instancePath:instancePath+"/rows/" + i0,schemaPath:"#/properties/rows/items/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
}
}
var valid1 = _errs4 === errors;
if(!valid1){
break;
}
}
}
}
}
else {
validate87.errors = [{instancePath:instancePath+"/rows",schemaPath:"#/properties/rows/type",keyword:"type",params:{type: "array"}}];
return false;
}
}
var valid0 = _errs2 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.mean !== undefined){
let data2 = data.mean;
const _errs6 = errors;
if(errors === _errs6){
if(Array.isArray(data2)){
if(data2.length > 16384){
validate87.errors = [{instancePath:instancePath+"/mean",schemaPath:"#/properties/mean/maxItems",keyword:"maxItems",params:{limit: 16384}}];
return false;
}
else {
if(data2.length < 1){
validate87.errors = [{instancePath:instancePath+"/mean",schemaPath:"#/properties/mean/minItems",keyword:"minItems",params:{limit: 1}}];
return false;
}
else {
var valid2 = true;
const len1 = data2.length;
for(let i1=0; i1<len1; i1++){
let data3 = data2[i1];
const _errs8 = errors;
if(errors === _errs8){
if((typeof data3 == "number") && (isFinite(data3))){
if(data3 > 3.5e+38 || isNaN(data3)){
validate87.errors = [{instancePath:instancePath+"/mean/" + i1,schemaPath:"#/properties/mean/items/maximum",keyword:"maximum",params:{comparison: "<=", limit: 3.5e+38}}];
return false;
}
else {
if(data3 < -3.5e+38 || isNaN(data3)){
validate87.errors = [{instancePath:instancePath+"/mean/" + i1,schemaPath:"#/properties/mean/items/minimum",keyword:"minimum",params:{comparison: ">=", limit: -3.5e+38}}];
return false;
}
}
}
else {
validate87.errors = [{instancePath:instancePath+"/mean/" + i1,schemaPath:"#/properties/mean/items/type",keyword:"type",params:{type: "number"}}];
return false;
}
}
var valid2 = _errs8 === errors;
if(!valid2){
break;
}
}
}
}
}
else {
validate87.errors = [{instancePath:instancePath+"/mean",schemaPath:"#/properties/mean/type",keyword:"type",params:{type: "array"}}];
return false;
}
}
var valid0 = _errs6 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.std !== undefined){
let data4 = data.std;
const _errs10 = errors;
if(errors === _errs10){
if(Array.isArray(data4)){
if(data4.length > 16384){
validate87.errors = [{instancePath:instancePath+"/std",schemaPath:"#/properties/std/maxItems",keyword:"maxItems",params:{limit: 16384}}];
return false;
}
else {
if(data4.length < 1){
validate87.errors = [{instancePath:instancePath+"/std",schemaPath:"#/properties/std/minItems",keyword:"minItems",params:{limit: 1}}];
return false;
}
else {
var valid3 = true;
const len2 = data4.length;
for(let i2=0; i2<len2; i2++){
let data5 = data4[i2];
const _errs12 = errors;
if(errors === _errs12){
if((typeof data5 == "number") && (isFinite(data5))){
if(data5 > 3.5e+38 || isNaN(data5)){
validate87.errors = [{instancePath:instancePath+"/std/" + i2,schemaPath:"#/properties/std/items/maximum",keyword:"maximum",params:{comparison: "<=", limit: 3.5e+38}}];
return false;
}
else {
if(data5 < 0 || isNaN(data5)){
validate87.errors = [{instancePath:instancePath+"/std/" + i2,schemaPath:"#/properties/std/items/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
}
else {
validate87.errors = [{instancePath:instancePath+"/std/" + i2,schemaPath:"#/properties/std/items/type",keyword:"type",params:{type: "number"}}];
return false;
}
}
var valid3 = _errs12 === errors;
if(!valid3){
break;
}
}
}
}
}
else {
validate87.errors = [{instancePath:instancePath+"/std",schemaPath:"#/properties/std/type",keyword:"type",params:{type: "array"}}];
return false;
}
}
var valid0 = _errs10 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.skewness !== undefined){
let data6 = data.skewness;
const _errs14 = errors;
if(errors === _errs14){
if(Array.isArray(data6)){
if(data6.length > 16384){
validate87.errors = [{instancePath:instancePath+"/skewness",schemaPath:"#/properties/skewness/maxItems",keyword:"maxItems",params:{limit: 16384}}];
return false;
}
else {
if(data6.length < 1){
validate87.errors = [{instancePath:instancePath+"/skewness",schemaPath:"#/properties/skewness/minItems",keyword:"minItems",params:{limit: 1}}];
return false;
}
else {
var valid4 = true;
const len3 = data6.length;
for(let i3=0; i3<len3; i3++){
let data7 = data6[i3];
const _errs16 = errors;
if(errors === _errs16){
if((typeof data7 == "number") && (isFinite(data7))){
if(data7 > 1000000000 || isNaN(data7)){
validate87.errors = [{instancePath:instancePath+"/skewness/" + i3,schemaPath:"#/properties/skewness/items/maximum",keyword:"maximum",params:{comparison: "<=", limit: 1000000000}}];
return false;
}
else {
if(data7 < -1000000000 || isNaN(data7)){
validate87.errors = [{instancePath:instancePath+"/skewness/" + i3,schemaPath:"#/properties/skewness/items/minimum",keyword:"minimum",params:{comparison: ">=", limit: -1000000000}}];
return false;
}
}
}
else {
validate87.errors = [{instancePath:instancePath+"/skewness/" + i3,schemaPath:"#/properties/skewness/items/type",keyword:"type",params:{type: "number"}}];
return false;
}
}
var valid4 = _errs16 === errors;
if(!valid4){
break;
}
}
}
}
}
else {
validate87.errors = [{instancePath:instancePath+"/skewness",schemaPath:"#/properties/skewness/type",keyword:"type",params:{type: "array"}}];
return false;
}
}
var valid0 = _errs14 === errors;
}
else {
var valid0 = true;
}
}
}
}
}
}
}
else {
validate87.errors = [{instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}}];
return false;
}
}
validate87.errors = vErrors;
return errors === 0;
}
validate87.evaluated = {"props":true,"dynamicProps":false,"dynamicItems":false};


function validate84(data, {instancePath="", parentData, parentDataProperty, rootData=data, dynamicAnchors={}}={}){
let vErrors = null;
let errors = 0;
const evaluated0 = validate84.evaluated;
if(evaluated0.dynamicProps){
evaluated0.props = undefined;
}
if(evaluated0.dynamicItems){
evaluated0.items = undefined;
}
if(errors === 0){
if(data && typeof data == "object" && !Array.isArray(data)){
let missing0;
if(((((((((((data.rows === undefined) && (missing0 = "rows")) || ((data.l0 === undefined) && (missing0 = "l0"))) || ((data.dead_units === undefined) && (missing0 = "dead_units"))) || ((data.mean_activation === undefined) && (missing0 = "mean_activation"))) || ((data.active_share === undefined) && (missing0 = "active_share"))) || ((data.activation_std === undefined) && (missing0 = "activation_std"))) || ((data.active_std === undefined) && (missing0 = "active_std"))) || ((data.activation_skewness === undefined) && (missing0 = "activation_skewness"))) || ((data.active_skewness === undefined) && (missing0 = "active_skewness"))) || ((data.drift === undefined) && (missing0 = "drift"))){
validate84.errors = [{instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: missing0}}];
return false;
}
else {
const _errs1 = errors;
for(const key0 in data){
if(!(func1.call(schema32.properties, key0))){
validate84.errors = [{instancePath,schemaPath:"#/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key0}}];
return false;
break;
}
}
if(_errs1 === errors){
if(data.rows !== undefined){
let data0 = data.rows;
const _errs2 = errors;
if(!(((typeof data0 == "number") && (!(data0 % 1) && !isNaN(data0))) && (isFinite(data0)))){
validate84.errors = [{instancePath:instancePath+"/rows",schemaPath:"#/properties/rows/type",keyword:"type",params:{type: "integer"}}];
return false;
}
if(errors === _errs2){
if((typeof data0 == "number") && (isFinite(data0))){
if(data0 > 9007199254740991 || isNaN(data0)){
validate84.errors = [{instancePath:instancePath+"/rows",schemaPath:"#/properties/rows/maximum",keyword:"maximum",params:{comparison: "<=", limit: 9007199254740991}}];
return false;
}
else {
if(data0 < 1 || isNaN(data0)){
validate84.errors = [{instancePath:instancePath+"/rows",schemaPath:"#/properties/rows/minimum",keyword:"minimum",params:{comparison: ">=", limit: 1}}];
return false;
}
}
}
}
var valid0 = _errs2 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.l0 !== undefined){
let data1 = data.l0;
const _errs4 = errors;
if(errors === _errs4){
if((typeof data1 == "number") && (isFinite(data1))){
if(data1 < 0 || isNaN(data1)){
validate84.errors = [{instancePath:instancePath+"/l0",schemaPath:"#/properties/l0/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
else {
validate84.errors = [{instancePath:instancePath+"/l0",schemaPath:"#/properties/l0/type",keyword:"type",params:{type: "number"}}];
return false;
}
}
var valid0 = _errs4 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.dead_units !== undefined){
let data2 = data.dead_units;
const _errs6 = errors;
if(!(((typeof data2 == "number") && (!(data2 % 1) && !isNaN(data2))) && (isFinite(data2)))){
validate84.errors = [{instancePath:instancePath+"/dead_units",schemaPath:"#/properties/dead_units/type",keyword:"type",params:{type: "integer"}}];
return false;
}
if(errors === _errs6){
if((typeof data2 == "number") && (isFinite(data2))){
if(data2 > 9007199254740991 || isNaN(data2)){
validate84.errors = [{instancePath:instancePath+"/dead_units",schemaPath:"#/properties/dead_units/maximum",keyword:"maximum",params:{comparison: "<=", limit: 9007199254740991}}];
return false;
}
else {
if(data2 < 0 || isNaN(data2)){
validate84.errors = [{instancePath:instancePath+"/dead_units",schemaPath:"#/properties/dead_units/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
}
}
var valid0 = _errs6 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.mean_activation !== undefined){
let data3 = data.mean_activation;
const _errs8 = errors;
if(errors === _errs8){
if(Array.isArray(data3)){
var valid1 = true;
const len0 = data3.length;
for(let i0=0; i0<len0; i0++){
let data4 = data3[i0];
const _errs10 = errors;
if(errors === _errs10){
if((typeof data4 == "number") && (isFinite(data4))){
if(data4 > 3.5e+38 || isNaN(data4)){
validate84.errors = [{instancePath:instancePath+"/mean_activation/" + i0,schemaPath:"#/properties/mean_activation/items/maximum",keyword:"maximum",params:{comparison: "<=", limit: 3.5e+38}}];
return false;
}
else {
if(data4 < -3.5e+38 || isNaN(data4)){
validate84.errors = [{instancePath:instancePath+"/mean_activation/" + i0,schemaPath:"#/properties/mean_activation/items/minimum",keyword:"minimum",params:{comparison: ">=", limit: -3.5e+38}}];
return false;
}
}
}
else {
validate84.errors = [{instancePath:instancePath+"/mean_activation/" + i0,schemaPath:"#/properties/mean_activation/items/type",keyword:"type",params:{type: "number"}}];
return false;
}
}
var valid1 = _errs10 === errors;
if(!valid1){
break;
}
}
}
else {
validate84.errors = [{instancePath:instancePath+"/mean_activation",schemaPath:"#/properties/mean_activation/type",keyword:"type",params:{type: "array"}}];
return false;
}
}
var valid0 = _errs8 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.active_share !== undefined){
let data5 = data.active_share;
const _errs12 = errors;
if(errors === _errs12){
if(Array.isArray(data5)){
var valid2 = true;
const len1 = data5.length;
for(let i1=0; i1<len1; i1++){
let data6 = data5[i1];
const _errs14 = errors;
if(errors === _errs14){
if((typeof data6 == "number") && (isFinite(data6))){
if(data6 > 1 || isNaN(data6)){
validate84.errors = [{instancePath:instancePath+"/active_share/" + i1,schemaPath:"#/properties/active_share/items/maximum",keyword:"maximum",params:{comparison: "<=", limit: 1}}];
return false;
}
else {
if(data6 < 0 || isNaN(data6)){
validate84.errors = [{instancePath:instancePath+"/active_share/" + i1,schemaPath:"#/properties/active_share/items/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
}
else {
validate84.errors = [{instancePath:instancePath+"/active_share/" + i1,schemaPath:"#/properties/active_share/items/type",keyword:"type",params:{type: "number"}}];
return false;
}
}
var valid2 = _errs14 === errors;
if(!valid2){
break;
}
}
}
else {
validate84.errors = [{instancePath:instancePath+"/active_share",schemaPath:"#/properties/active_share/type",keyword:"type",params:{type: "array"}}];
return false;
}
}
var valid0 = _errs12 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.activation_std !== undefined){
let data7 = data.activation_std;
const _errs16 = errors;
if(errors === _errs16){
if(Array.isArray(data7)){
var valid3 = true;
const len2 = data7.length;
for(let i2=0; i2<len2; i2++){
let data8 = data7[i2];
const _errs18 = errors;
if(errors === _errs18){
if((typeof data8 == "number") && (isFinite(data8))){
if(data8 > 3.5e+38 || isNaN(data8)){
validate84.errors = [{instancePath:instancePath+"/activation_std/" + i2,schemaPath:"#/properties/activation_std/items/maximum",keyword:"maximum",params:{comparison: "<=", limit: 3.5e+38}}];
return false;
}
else {
if(data8 < 0 || isNaN(data8)){
validate84.errors = [{instancePath:instancePath+"/activation_std/" + i2,schemaPath:"#/properties/activation_std/items/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
}
else {
validate84.errors = [{instancePath:instancePath+"/activation_std/" + i2,schemaPath:"#/properties/activation_std/items/type",keyword:"type",params:{type: "number"}}];
return false;
}
}
var valid3 = _errs18 === errors;
if(!valid3){
break;
}
}
}
else {
validate84.errors = [{instancePath:instancePath+"/activation_std",schemaPath:"#/properties/activation_std/type",keyword:"type",params:{type: "array"}}];
return false;
}
}
var valid0 = _errs16 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.active_std !== undefined){
let data9 = data.active_std;
const _errs20 = errors;
if(errors === _errs20){
if(Array.isArray(data9)){
var valid4 = true;
const len3 = data9.length;
for(let i3=0; i3<len3; i3++){
let data10 = data9[i3];
const _errs22 = errors;
if(errors === _errs22){
if((typeof data10 == "number") && (isFinite(data10))){
if(data10 > 1 || isNaN(data10)){
validate84.errors = [{instancePath:instancePath+"/active_std/" + i3,schemaPath:"#/properties/active_std/items/maximum",keyword:"maximum",params:{comparison: "<=", limit: 1}}];
return false;
}
else {
if(data10 < 0 || isNaN(data10)){
validate84.errors = [{instancePath:instancePath+"/active_std/" + i3,schemaPath:"#/properties/active_std/items/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
}
else {
validate84.errors = [{instancePath:instancePath+"/active_std/" + i3,schemaPath:"#/properties/active_std/items/type",keyword:"type",params:{type: "number"}}];
return false;
}
}
var valid4 = _errs22 === errors;
if(!valid4){
break;
}
}
}
else {
validate84.errors = [{instancePath:instancePath+"/active_std",schemaPath:"#/properties/active_std/type",keyword:"type",params:{type: "array"}}];
return false;
}
}
var valid0 = _errs20 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.activation_skewness !== undefined){
let data11 = data.activation_skewness;
const _errs24 = errors;
if(errors === _errs24){
if(Array.isArray(data11)){
var valid5 = true;
const len4 = data11.length;
for(let i4=0; i4<len4; i4++){
let data12 = data11[i4];
const _errs26 = errors;
if(errors === _errs26){
if((typeof data12 == "number") && (isFinite(data12))){
if(data12 > 1000000000 || isNaN(data12)){
validate84.errors = [{instancePath:instancePath+"/activation_skewness/" + i4,schemaPath:"#/properties/activation_skewness/items/maximum",keyword:"maximum",params:{comparison: "<=", limit: 1000000000}}];
return false;
}
else {
if(data12 < -1000000000 || isNaN(data12)){
validate84.errors = [{instancePath:instancePath+"/activation_skewness/" + i4,schemaPath:"#/properties/activation_skewness/items/minimum",keyword:"minimum",params:{comparison: ">=", limit: -1000000000}}];
return false;
}
}
}
else {
validate84.errors = [{instancePath:instancePath+"/activation_skewness/" + i4,schemaPath:"#/properties/activation_skewness/items/type",keyword:"type",params:{type: "number"}}];
return false;
}
}
var valid5 = _errs26 === errors;
if(!valid5){
break;
}
}
}
else {
validate84.errors = [{instancePath:instancePath+"/activation_skewness",schemaPath:"#/properties/activation_skewness/type",keyword:"type",params:{type: "array"}}];
return false;
}
}
var valid0 = _errs24 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.active_skewness !== undefined){
let data13 = data.active_skewness;
const _errs28 = errors;
if(errors === _errs28){
if(Array.isArray(data13)){
var valid6 = true;
const len5 = data13.length;
for(let i5=0; i5<len5; i5++){
let data14 = data13[i5];
const _errs30 = errors;
if(errors === _errs30){
if((typeof data14 == "number") && (isFinite(data14))){
if(data14 > 1000000000 || isNaN(data14)){
validate84.errors = [{instancePath:instancePath+"/active_skewness/" + i5,schemaPath:"#/properties/active_skewness/items/maximum",keyword:"maximum",params:{comparison: "<=", limit: 1000000000}}];
return false;
}
else {
if(data14 < -1000000000 || isNaN(data14)){
validate84.errors = [{instancePath:instancePath+"/active_skewness/" + i5,schemaPath:"#/properties/active_skewness/items/minimum",keyword:"minimum",params:{comparison: ">=", limit: -1000000000}}];
return false;
}
}
}
else {
validate84.errors = [{instancePath:instancePath+"/active_skewness/" + i5,schemaPath:"#/properties/active_skewness/items/type",keyword:"type",params:{type: "number"}}];
return false;
}
}
var valid6 = _errs30 === errors;
if(!valid6){
break;
}
}
}
else {
validate84.errors = [{instancePath:instancePath+"/active_skewness",schemaPath:"#/properties/active_skewness/type",keyword:"type",params:{type: "array"}}];
return false;
}
}
var valid0 = _errs28 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.drift !== undefined){
let data15 = data.drift;
const _errs32 = errors;
if((!(data15 && typeof data15 == "object" && !Array.isArray(data15))) && (data15 !== null)){
validate84.errors = [{instancePath:instancePath+"/drift",schemaPath:"#/properties/drift/type",keyword:"type",params:{type: schema32.properties.drift.type}}];
return false;
}
const _errs34 = errors;
let valid7 = true;
const _errs35 = errors;
if(data15 !== null){
const err0 = {};
if(vErrors === null){
vErrors = [err0];
}
else {
vErrors.push(err0);
}
errors++;
}
var _valid0 = _errs35 === errors;
errors = _errs34;
if(vErrors !== null){
if(_errs34){
vErrors.length = _errs34;
}
else {
vErrors = null;
}
}
if(!_valid0){
const _errs37 = errors;
if(!(validate85(data15, {instancePath:instancePath+"/drift",parentData:data,parentDataProperty:"drift",rootData,dynamicAnchors}))){
vErrors = vErrors === null ? validate85.errors : vErrors.concat(validate85.errors);
errors = vErrors.length;
}
var _valid0 = _errs37 === errors;
valid7 = _valid0;
}
if(!valid7){
const err1 = {instancePath:instancePath+"/drift",schemaPath:"#/properties/drift/if",keyword:"if",params:{failingKeyword: "else"}};
if(vErrors === null){
vErrors = [err1];
}
else {
vErrors.push(err1);
}
errors++;
validate84.errors = vErrors;
return false;
}
var valid0 = _errs32 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.columns !== undefined){
const _errs38 = errors;
if(!(validate87(data.columns, {instancePath:instancePath+"/columns",parentData:data,parentDataProperty:"columns",rootData,dynamicAnchors}))){
vErrors = vErrors === null ? validate87.errors : vErrors.concat(validate87.errors);
errors = vErrors.length;
}
var valid0 = _errs38 === errors;
}
else {
var valid0 = true;
}
}
}
}
}
}
}
}
}
}
}
}
}
}
else {
validate84.errors = [{instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}}];
return false;
}
}
validate84.errors = vErrors;
return errors === 0;
}
validate84.evaluated = {"props":true,"dynamicProps":false,"dynamicItems":false};

const schema35 = {"type":"object","required":["sha256","size"],"additionalProperties":false,"properties":{"sha256":{"type":"string","pattern":"^[0-9a-f]{64}$"},"size":{"type":"integer","minimum":0,"maximum":2147483647}}};
const pattern12 = new RegExp("^[0-9a-f]{64}$", "u");

function validate90(data, {instancePath="", parentData, parentDataProperty, rootData=data, dynamicAnchors={}}={}){
let vErrors = null;
let errors = 0;
const evaluated0 = validate90.evaluated;
if(evaluated0.dynamicProps){
evaluated0.props = undefined;
}
if(evaluated0.dynamicItems){
evaluated0.items = undefined;
}
if(errors === 0){
if(data && typeof data == "object" && !Array.isArray(data)){
let missing0;
if(((data.sha256 === undefined) && (missing0 = "sha256")) || ((data.size === undefined) && (missing0 = "size"))){
validate90.errors = [{instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: missing0}}];
return false;
}
else {
const _errs1 = errors;
for(const key0 in data){
if(!((key0 === "sha256") || (key0 === "size"))){
validate90.errors = [{instancePath,schemaPath:"#/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key0}}];
return false;
break;
}
}
if(_errs1 === errors){
if(data.sha256 !== undefined){
let data0 = data.sha256;
const _errs2 = errors;
if(errors === _errs2){
if(typeof data0 === "string"){
if(!pattern12.test(data0)){
validate90.errors = [{instancePath:instancePath+"/sha256",schemaPath:"#/properties/sha256/pattern",keyword:"pattern",params:{pattern: "^[0-9a-f]{64}$"}}];
return false;
}
}
else {
validate90.errors = [{instancePath:instancePath+"/sha256",schemaPath:"#/properties/sha256/type",keyword:"type",params:{type: "string"}}];
return false;
}
}
var valid0 = _errs2 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.size !== undefined){
let data1 = data.size;
const _errs4 = errors;
if(!(((typeof data1 == "number") && (!(data1 % 1) && !isNaN(data1))) && (isFinite(data1)))){
validate90.errors = [{instancePath:instancePath+"/size",schemaPath:"#/properties/size/type",keyword:"type",params:{type: "integer"}}];
return false;
}
if(errors === _errs4){
if((typeof data1 == "number") && (isFinite(data1))){
if(data1 > 2147483647 || isNaN(data1)){
validate90.errors = [{instancePath:instancePath+"/size",schemaPath:"#/properties/size/maximum",keyword:"maximum",params:{comparison: "<=", limit: 2147483647}}];
return false;
}
else {
if(data1 < 0 || isNaN(data1)){
validate90.errors = [{instancePath:instancePath+"/size",schemaPath:"#/properties/size/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
}
}
var valid0 = _errs4 === errors;
}
else {
var valid0 = true;
}
}
}
}
}
else {
validate90.errors = [{instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}}];
return false;
}
}
validate90.errors = vErrors;
return errors === 0;
}
validate90.evaluated = {"props":true,"dynamicProps":false,"dynamicItems":false};

const schema36 = {"type":"object","additionalProperties":false,"properties":{"float16":{"$ref":"#/$defs/float16"},"litert":{"$ref":"#/$defs/litert"}}};
const schema37 = {"type":"object","required":["held_out_rows","report","parity"],"additionalProperties":false,"properties":{"held_out_rows":{"type":"integer","minimum":1,"maximum":9007199254740991},"report":{"$ref":"#/$defs/comparison_of_variant"},"parity":{"type":"object","required":["jaccard","max_abs_error","rows","batch_sizes"],"additionalProperties":false,"properties":{"jaccard":{"type":"number","minimum":0,"maximum":1},"max_abs_error":{"type":"number","minimum":0},"rows":{"type":"integer","minimum":1,"maximum":9007199254740991},"batch_sizes":{"type":"array","items":{"type":"integer","minimum":1,"maximum":9007199254740991}}}}}};
const schema38 = {"type":"object","required":["jaccard","jaccard_per_row","top_k","top_k_overlap","l0_float32","l0_variant","cosine","max_abs_error","mse_float32","mse_variant","probe_float32","probe_variant","file_bytes_float32","file_bytes_variant","weight_bytes_float32","weight_bytes_variant"],"additionalProperties":false,"properties":{"jaccard":{"type":"number","minimum":0,"maximum":1},"jaccard_per_row":{"type":"number","minimum":0,"maximum":1},"top_k":{"type":"integer","minimum":1,"maximum":9007199254740991},"top_k_overlap":{"type":"number","minimum":0,"maximum":1},"l0_float32":{"type":"number","minimum":0},"l0_variant":{"type":"number","minimum":0},"cosine":{"type":"number","minimum":-1,"maximum":1.000001},"max_abs_error":{"type":"number","minimum":0},"mse_float32":{"type":["number","null"],"minimum":0},"mse_variant":{"type":["number","null"],"minimum":0},"probe_float32":{"type":["number","null"],"minimum":0,"maximum":1},"probe_variant":{"type":["number","null"],"minimum":0,"maximum":1},"file_bytes_float32":{"type":"integer","minimum":0,"maximum":9007199254740991},"file_bytes_variant":{"type":"integer","minimum":0,"maximum":9007199254740991},"weight_bytes_float32":{"type":"integer","minimum":0,"maximum":9007199254740991},"weight_bytes_variant":{"type":"integer","minimum":0,"maximum":9007199254740991}}};

function validate94(data, {instancePath="", parentData, parentDataProperty, rootData=data, dynamicAnchors={}}={}){
let vErrors = null;
let errors = 0;
const evaluated0 = validate94.evaluated;
if(evaluated0.dynamicProps){
evaluated0.props = undefined;
}
if(evaluated0.dynamicItems){
evaluated0.items = undefined;
}
if(errors === 0){
if(data && typeof data == "object" && !Array.isArray(data)){
let missing0;
if(((((((((((((((((data.jaccard === undefined) && (missing0 = "jaccard")) || ((data.jaccard_per_row === undefined) && (missing0 = "jaccard_per_row"))) || ((data.top_k === undefined) && (missing0 = "top_k"))) || ((data.top_k_overlap === undefined) && (missing0 = "top_k_overlap"))) || ((data.l0_float32 === undefined) && (missing0 = "l0_float32"))) || ((data.l0_variant === undefined) && (missing0 = "l0_variant"))) || ((data.cosine === undefined) && (missing0 = "cosine"))) || ((data.max_abs_error === undefined) && (missing0 = "max_abs_error"))) || ((data.mse_float32 === undefined) && (missing0 = "mse_float32"))) || ((data.mse_variant === undefined) && (missing0 = "mse_variant"))) || ((data.probe_float32 === undefined) && (missing0 = "probe_float32"))) || ((data.probe_variant === undefined) && (missing0 = "probe_variant"))) || ((data.file_bytes_float32 === undefined) && (missing0 = "file_bytes_float32"))) || ((data.file_bytes_variant === undefined) && (missing0 = "file_bytes_variant"))) || ((data.weight_bytes_float32 === undefined) && (missing0 = "weight_bytes_float32"))) || ((data.weight_bytes_variant === undefined) && (missing0 = "weight_bytes_variant"))){
validate94.errors = [{instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: missing0}}];
return false;
}
else {
const _errs1 = errors;
for(const key0 in data){
if(!(func1.call(schema38.properties, key0))){
validate94.errors = [{instancePath,schemaPath:"#/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key0}}];
return false;
break;
}
}
if(_errs1 === errors){
if(data.jaccard !== undefined){
let data0 = data.jaccard;
const _errs2 = errors;
if(errors === _errs2){
if((typeof data0 == "number") && (isFinite(data0))){
if(data0 > 1 || isNaN(data0)){
validate94.errors = [{instancePath:instancePath+"/jaccard",schemaPath:"#/properties/jaccard/maximum",keyword:"maximum",params:{comparison: "<=", limit: 1}}];
return false;
}
else {
if(data0 < 0 || isNaN(data0)){
validate94.errors = [{instancePath:instancePath+"/jaccard",schemaPath:"#/properties/jaccard/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
}
else {
validate94.errors = [{instancePath:instancePath+"/jaccard",schemaPath:"#/properties/jaccard/type",keyword:"type",params:{type: "number"}}];
return false;
}
}
var valid0 = _errs2 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.jaccard_per_row !== undefined){
let data1 = data.jaccard_per_row;
const _errs4 = errors;
if(errors === _errs4){
if((typeof data1 == "number") && (isFinite(data1))){
if(data1 > 1 || isNaN(data1)){
validate94.errors = [{instancePath:instancePath+"/jaccard_per_row",schemaPath:"#/properties/jaccard_per_row/maximum",keyword:"maximum",params:{comparison: "<=", limit: 1}}];
return false;
}
else {
if(data1 < 0 || isNaN(data1)){
validate94.errors = [{instancePath:instancePath+"/jaccard_per_row",schemaPath:"#/properties/jaccard_per_row/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
}
else {
validate94.errors = [{instancePath:instancePath+"/jaccard_per_row",schemaPath:"#/properties/jaccard_per_row/type",keyword:"type",params:{type: "number"}}];
return false;
}
}
var valid0 = _errs4 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.top_k !== undefined){
let data2 = data.top_k;
const _errs6 = errors;
if(!(((typeof data2 == "number") && (!(data2 % 1) && !isNaN(data2))) && (isFinite(data2)))){
validate94.errors = [{instancePath:instancePath+"/top_k",schemaPath:"#/properties/top_k/type",keyword:"type",params:{type: "integer"}}];
return false;
}
if(errors === _errs6){
if((typeof data2 == "number") && (isFinite(data2))){
if(data2 > 9007199254740991 || isNaN(data2)){
validate94.errors = [{instancePath:instancePath+"/top_k",schemaPath:"#/properties/top_k/maximum",keyword:"maximum",params:{comparison: "<=", limit: 9007199254740991}}];
return false;
}
else {
if(data2 < 1 || isNaN(data2)){
validate94.errors = [{instancePath:instancePath+"/top_k",schemaPath:"#/properties/top_k/minimum",keyword:"minimum",params:{comparison: ">=", limit: 1}}];
return false;
}
}
}
}
var valid0 = _errs6 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.top_k_overlap !== undefined){
let data3 = data.top_k_overlap;
const _errs8 = errors;
if(errors === _errs8){
if((typeof data3 == "number") && (isFinite(data3))){
if(data3 > 1 || isNaN(data3)){
validate94.errors = [{instancePath:instancePath+"/top_k_overlap",schemaPath:"#/properties/top_k_overlap/maximum",keyword:"maximum",params:{comparison: "<=", limit: 1}}];
return false;
}
else {
if(data3 < 0 || isNaN(data3)){
validate94.errors = [{instancePath:instancePath+"/top_k_overlap",schemaPath:"#/properties/top_k_overlap/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
}
else {
validate94.errors = [{instancePath:instancePath+"/top_k_overlap",schemaPath:"#/properties/top_k_overlap/type",keyword:"type",params:{type: "number"}}];
return false;
}
}
var valid0 = _errs8 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.l0_float32 !== undefined){
let data4 = data.l0_float32;
const _errs10 = errors;
if(errors === _errs10){
if((typeof data4 == "number") && (isFinite(data4))){
if(data4 < 0 || isNaN(data4)){
validate94.errors = [{instancePath:instancePath+"/l0_float32",schemaPath:"#/properties/l0_float32/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
else {
validate94.errors = [{instancePath:instancePath+"/l0_float32",schemaPath:"#/properties/l0_float32/type",keyword:"type",params:{type: "number"}}];
return false;
}
}
var valid0 = _errs10 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.l0_variant !== undefined){
let data5 = data.l0_variant;
const _errs12 = errors;
if(errors === _errs12){
if((typeof data5 == "number") && (isFinite(data5))){
if(data5 < 0 || isNaN(data5)){
validate94.errors = [{instancePath:instancePath+"/l0_variant",schemaPath:"#/properties/l0_variant/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
else {
validate94.errors = [{instancePath:instancePath+"/l0_variant",schemaPath:"#/properties/l0_variant/type",keyword:"type",params:{type: "number"}}];
return false;
}
}
var valid0 = _errs12 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.cosine !== undefined){
let data6 = data.cosine;
const _errs14 = errors;
if(errors === _errs14){
if((typeof data6 == "number") && (isFinite(data6))){
if(data6 > 1.000001 || isNaN(data6)){
validate94.errors = [{instancePath:instancePath+"/cosine",schemaPath:"#/properties/cosine/maximum",keyword:"maximum",params:{comparison: "<=", limit: 1.000001}}];
return false;
}
else {
if(data6 < -1 || isNaN(data6)){
validate94.errors = [{instancePath:instancePath+"/cosine",schemaPath:"#/properties/cosine/minimum",keyword:"minimum",params:{comparison: ">=", limit: -1}}];
return false;
}
}
}
else {
validate94.errors = [{instancePath:instancePath+"/cosine",schemaPath:"#/properties/cosine/type",keyword:"type",params:{type: "number"}}];
return false;
}
}
var valid0 = _errs14 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.max_abs_error !== undefined){
let data7 = data.max_abs_error;
const _errs16 = errors;
if(errors === _errs16){
if((typeof data7 == "number") && (isFinite(data7))){
if(data7 < 0 || isNaN(data7)){
validate94.errors = [{instancePath:instancePath+"/max_abs_error",schemaPath:"#/properties/max_abs_error/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
else {
validate94.errors = [{instancePath:instancePath+"/max_abs_error",schemaPath:"#/properties/max_abs_error/type",keyword:"type",params:{type: "number"}}];
return false;
}
}
var valid0 = _errs16 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.mse_float32 !== undefined){
let data8 = data.mse_float32;
const _errs18 = errors;
if((!((typeof data8 == "number") && (isFinite(data8)))) && (data8 !== null)){
validate94.errors = [{instancePath:instancePath+"/mse_float32",schemaPath:"#/properties/mse_float32/type",keyword:"type",params:{type: schema38.properties.mse_float32.type}}];
return false;
}
if(errors === _errs18){
if((typeof data8 == "number") && (isFinite(data8))){
if(data8 < 0 || isNaN(data8)){
validate94.errors = [{instancePath:instancePath+"/mse_float32",schemaPath:"#/properties/mse_float32/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
}
var valid0 = _errs18 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.mse_variant !== undefined){
let data9 = data.mse_variant;
const _errs20 = errors;
if((!((typeof data9 == "number") && (isFinite(data9)))) && (data9 !== null)){
validate94.errors = [{instancePath:instancePath+"/mse_variant",schemaPath:"#/properties/mse_variant/type",keyword:"type",params:{type: schema38.properties.mse_variant.type}}];
return false;
}
if(errors === _errs20){
if((typeof data9 == "number") && (isFinite(data9))){
if(data9 < 0 || isNaN(data9)){
validate94.errors = [{instancePath:instancePath+"/mse_variant",schemaPath:"#/properties/mse_variant/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
}
var valid0 = _errs20 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.probe_float32 !== undefined){
let data10 = data.probe_float32;
const _errs22 = errors;
if((!((typeof data10 == "number") && (isFinite(data10)))) && (data10 !== null)){
validate94.errors = [{instancePath:instancePath+"/probe_float32",schemaPath:"#/properties/probe_float32/type",keyword:"type",params:{type: schema38.properties.probe_float32.type}}];
return false;
}
if(errors === _errs22){
if((typeof data10 == "number") && (isFinite(data10))){
if(data10 > 1 || isNaN(data10)){
validate94.errors = [{instancePath:instancePath+"/probe_float32",schemaPath:"#/properties/probe_float32/maximum",keyword:"maximum",params:{comparison: "<=", limit: 1}}];
return false;
}
else {
if(data10 < 0 || isNaN(data10)){
validate94.errors = [{instancePath:instancePath+"/probe_float32",schemaPath:"#/properties/probe_float32/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
}
}
var valid0 = _errs22 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.probe_variant !== undefined){
let data11 = data.probe_variant;
const _errs24 = errors;
if((!((typeof data11 == "number") && (isFinite(data11)))) && (data11 !== null)){
validate94.errors = [{instancePath:instancePath+"/probe_variant",schemaPath:"#/properties/probe_variant/type",keyword:"type",params:{type: schema38.properties.probe_variant.type}}];
return false;
}
if(errors === _errs24){
if((typeof data11 == "number") && (isFinite(data11))){
if(data11 > 1 || isNaN(data11)){
validate94.errors = [{instancePath:instancePath+"/probe_variant",schemaPath:"#/properties/probe_variant/maximum",keyword:"maximum",params:{comparison: "<=", limit: 1}}];
return false;
}
else {
if(data11 < 0 || isNaN(data11)){
validate94.errors = [{instancePath:instancePath+"/probe_variant",schemaPath:"#/properties/probe_variant/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
}
}
var valid0 = _errs24 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.file_bytes_float32 !== undefined){
let data12 = data.file_bytes_float32;
const _errs26 = errors;
if(!(((typeof data12 == "number") && (!(data12 % 1) && !isNaN(data12))) && (isFinite(data12)))){
validate94.errors = [{instancePath:instancePath+"/file_bytes_float32",schemaPath:"#/properties/file_bytes_float32/type",keyword:"type",params:{type: "integer"}}];
return false;
}
if(errors === _errs26){
if((typeof data12 == "number") && (isFinite(data12))){
if(data12 > 9007199254740991 || isNaN(data12)){
validate94.errors = [{instancePath:instancePath+"/file_bytes_float32",schemaPath:"#/properties/file_bytes_float32/maximum",keyword:"maximum",params:{comparison: "<=", limit: 9007199254740991}}];
return false;
}
else {
if(data12 < 0 || isNaN(data12)){
validate94.errors = [{instancePath:instancePath+"/file_bytes_float32",schemaPath:"#/properties/file_bytes_float32/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
}
}
var valid0 = _errs26 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.file_bytes_variant !== undefined){
let data13 = data.file_bytes_variant;
const _errs28 = errors;
if(!(((typeof data13 == "number") && (!(data13 % 1) && !isNaN(data13))) && (isFinite(data13)))){
validate94.errors = [{instancePath:instancePath+"/file_bytes_variant",schemaPath:"#/properties/file_bytes_variant/type",keyword:"type",params:{type: "integer"}}];
return false;
}
if(errors === _errs28){
if((typeof data13 == "number") && (isFinite(data13))){
if(data13 > 9007199254740991 || isNaN(data13)){
validate94.errors = [{instancePath:instancePath+"/file_bytes_variant",schemaPath:"#/properties/file_bytes_variant/maximum",keyword:"maximum",params:{comparison: "<=", limit: 9007199254740991}}];
return false;
}
else {
if(data13 < 0 || isNaN(data13)){
validate94.errors = [{instancePath:instancePath+"/file_bytes_variant",schemaPath:"#/properties/file_bytes_variant/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
}
}
var valid0 = _errs28 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.weight_bytes_float32 !== undefined){
let data14 = data.weight_bytes_float32;
const _errs30 = errors;
if(!(((typeof data14 == "number") && (!(data14 % 1) && !isNaN(data14))) && (isFinite(data14)))){
validate94.errors = [{instancePath:instancePath+"/weight_bytes_float32",schemaPath:"#/properties/weight_bytes_float32/type",keyword:"type",params:{type: "integer"}}];
return false;
}
if(errors === _errs30){
if((typeof data14 == "number") && (isFinite(data14))){
if(data14 > 9007199254740991 || isNaN(data14)){
validate94.errors = [{instancePath:instancePath+"/weight_bytes_float32",schemaPath:"#/properties/weight_bytes_float32/maximum",keyword:"maximum",params:{comparison: "<=", limit: 9007199254740991}}];
return false;
}
else {
if(data14 < 0 || isNaN(data14)){
validate94.errors = [{instancePath:instancePath+"/weight_bytes_float32",schemaPath:"#/properties/weight_bytes_float32/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
}
}
var valid0 = _errs30 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.weight_bytes_variant !== undefined){
let data15 = data.weight_bytes_variant;
const _errs32 = errors;
if(!(((typeof data15 == "number") && (!(data15 % 1) && !isNaN(data15))) && (isFinite(data15)))){
validate94.errors = [{instancePath:instancePath+"/weight_bytes_variant",schemaPath:"#/properties/weight_bytes_variant/type",keyword:"type",params:{type: "integer"}}];
return false;
}
if(errors === _errs32){
if((typeof data15 == "number") && (isFinite(data15))){
if(data15 > 9007199254740991 || isNaN(data15)){
validate94.errors = [{instancePath:instancePath+"/weight_bytes_variant",schemaPath:"#/properties/weight_bytes_variant/maximum",keyword:"maximum",params:{comparison: "<=", limit: 9007199254740991}}];
return false;
}
else {
if(data15 < 0 || isNaN(data15)){
validate94.errors = [{instancePath:instancePath+"/weight_bytes_variant",schemaPath:"#/properties/weight_bytes_variant/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
}
}
var valid0 = _errs32 === errors;
}
else {
var valid0 = true;
}
}
}
}
}
}
}
}
}
}
}
}
}
}
}
}
}
}
}
else {
validate94.errors = [{instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}}];
return false;
}
}
validate94.errors = vErrors;
return errors === 0;
}
validate94.evaluated = {"props":true,"dynamicProps":false,"dynamicItems":false};


function validate93(data, {instancePath="", parentData, parentDataProperty, rootData=data, dynamicAnchors={}}={}){
let vErrors = null;
let errors = 0;
const evaluated0 = validate93.evaluated;
if(evaluated0.dynamicProps){
evaluated0.props = undefined;
}
if(evaluated0.dynamicItems){
evaluated0.items = undefined;
}
if(errors === 0){
if(data && typeof data == "object" && !Array.isArray(data)){
let missing0;
if((((data.held_out_rows === undefined) && (missing0 = "held_out_rows")) || ((data.report === undefined) && (missing0 = "report"))) || ((data.parity === undefined) && (missing0 = "parity"))){
validate93.errors = [{instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: missing0}}];
return false;
}
else {
const _errs1 = errors;
for(const key0 in data){
if(!(((key0 === "held_out_rows") || (key0 === "report")) || (key0 === "parity"))){
validate93.errors = [{instancePath,schemaPath:"#/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key0}}];
return false;
break;
}
}
if(_errs1 === errors){
if(data.held_out_rows !== undefined){
let data0 = data.held_out_rows;
const _errs2 = errors;
if(!(((typeof data0 == "number") && (!(data0 % 1) && !isNaN(data0))) && (isFinite(data0)))){
validate93.errors = [{instancePath:instancePath+"/held_out_rows",schemaPath:"#/properties/held_out_rows/type",keyword:"type",params:{type: "integer"}}];
return false;
}
if(errors === _errs2){
if((typeof data0 == "number") && (isFinite(data0))){
if(data0 > 9007199254740991 || isNaN(data0)){
validate93.errors = [{instancePath:instancePath+"/held_out_rows",schemaPath:"#/properties/held_out_rows/maximum",keyword:"maximum",params:{comparison: "<=", limit: 9007199254740991}}];
return false;
}
else {
if(data0 < 1 || isNaN(data0)){
validate93.errors = [{instancePath:instancePath+"/held_out_rows",schemaPath:"#/properties/held_out_rows/minimum",keyword:"minimum",params:{comparison: ">=", limit: 1}}];
return false;
}
}
}
}
var valid0 = _errs2 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.report !== undefined){
const _errs4 = errors;
if(!(validate94(data.report, {instancePath:instancePath+"/report",parentData:data,parentDataProperty:"report",rootData,dynamicAnchors}))){
vErrors = vErrors === null ? validate94.errors : vErrors.concat(validate94.errors);
errors = vErrors.length;
}
var valid0 = _errs4 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.parity !== undefined){
let data2 = data.parity;
const _errs5 = errors;
if(errors === _errs5){
if(data2 && typeof data2 == "object" && !Array.isArray(data2)){
let missing1;
if(((((data2.jaccard === undefined) && (missing1 = "jaccard")) || ((data2.max_abs_error === undefined) && (missing1 = "max_abs_error"))) || ((data2.rows === undefined) && (missing1 = "rows"))) || ((data2.batch_sizes === undefined) && (missing1 = "batch_sizes"))){
validate93.errors = [{instancePath:instancePath+"/parity",schemaPath:"#/properties/parity/required",keyword:"required",params:{missingProperty: missing1}}];
return false;
}
else {
const _errs7 = errors;
for(const key1 in data2){
if(!((((key1 === "jaccard") || (key1 === "max_abs_error")) || (key1 === "rows")) || (key1 === "batch_sizes"))){
validate93.errors = [{instancePath:instancePath+"/parity",schemaPath:"#/properties/parity/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key1}}];
return false;
break;
}
}
if(_errs7 === errors){
if(data2.jaccard !== undefined){
let data3 = data2.jaccard;
const _errs8 = errors;
if(errors === _errs8){
if((typeof data3 == "number") && (isFinite(data3))){
if(data3 > 1 || isNaN(data3)){
validate93.errors = [{instancePath:instancePath+"/parity/jaccard",schemaPath:"#/properties/parity/properties/jaccard/maximum",keyword:"maximum",params:{comparison: "<=", limit: 1}}];
return false;
}
else {
if(data3 < 0 || isNaN(data3)){
validate93.errors = [{instancePath:instancePath+"/parity/jaccard",schemaPath:"#/properties/parity/properties/jaccard/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
}
else {
validate93.errors = [{instancePath:instancePath+"/parity/jaccard",schemaPath:"#/properties/parity/properties/jaccard/type",keyword:"type",params:{type: "number"}}];
return false;
}
}
var valid1 = _errs8 === errors;
}
else {
var valid1 = true;
}
if(valid1){
if(data2.max_abs_error !== undefined){
let data4 = data2.max_abs_error;
const _errs10 = errors;
if(errors === _errs10){
if((typeof data4 == "number") && (isFinite(data4))){
if(data4 < 0 || isNaN(data4)){
validate93.errors = [{instancePath:instancePath+"/parity/max_abs_error",schemaPath:"#/properties/parity/properties/max_abs_error/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
else {
validate93.errors = [{instancePath:instancePath+"/parity/max_abs_error",schemaPath:"#/properties/parity/properties/max_abs_error/type",keyword:"type",params:{type: "number"}}];
return false;
}
}
var valid1 = _errs10 === errors;
}
else {
var valid1 = true;
}
if(valid1){
if(data2.rows !== undefined){
let data5 = data2.rows;
const _errs12 = errors;
if(!(((typeof data5 == "number") && (!(data5 % 1) && !isNaN(data5))) && (isFinite(data5)))){
validate93.errors = [{instancePath:instancePath+"/parity/rows",schemaPath:"#/properties/parity/properties/rows/type",keyword:"type",params:{type: "integer"}}];
return false;
}
if(errors === _errs12){
if((typeof data5 == "number") && (isFinite(data5))){
if(data5 > 9007199254740991 || isNaN(data5)){
validate93.errors = [{instancePath:instancePath+"/parity/rows",schemaPath:"#/properties/parity/properties/rows/maximum",keyword:"maximum",params:{comparison: "<=", limit: 9007199254740991}}];
return false;
}
else {
if(data5 < 1 || isNaN(data5)){
validate93.errors = [{instancePath:instancePath+"/parity/rows",schemaPath:"#/properties/parity/properties/rows/minimum",keyword:"minimum",params:{comparison: ">=", limit: 1}}];
return false;
}
}
}
}
var valid1 = _errs12 === errors;
}
else {
var valid1 = true;
}
if(valid1){
if(data2.batch_sizes !== undefined){
let data6 = data2.batch_sizes;
const _errs14 = errors;
if(errors === _errs14){
if(Array.isArray(data6)){
var valid2 = true;
const len0 = data6.length;
for(let i0=0; i0<len0; i0++){
let data7 = data6[i0];
const _errs16 = errors;
if(!(((typeof data7 == "number") && (!(data7 % 1) && !isNaN(data7))) && (isFinite(data7)))){
validate93.errors = [{instancePath:instancePath+"/parity/batch_sizes/" + i0,schemaPath:"#/properties/parity/properties/batch_sizes/items/type",keyword:"type",params:{type: "integer"}}];
return false;
}
if(errors === _errs16){
if((typeof data7 == "number") && (isFinite(data7))){
if(data7 > 9007199254740991 || isNaN(data7)){
validate93.errors = [{instancePath:instancePath+"/parity/batch_sizes/" + i0,schemaPath:"#/properties/parity/properties/batch_sizes/items/maximum",keyword:"maximum",params:{comparison: "<=", limit: 9007199254740991}}];
return false;
}
else {
if(data7 < 1 || isNaN(data7)){
validate93.errors = [{instancePath:instancePath+"/parity/batch_sizes/" + i0,schemaPath:"#/properties/parity/properties/batch_sizes/items/minimum",keyword:"minimum",params:{comparison: ">=", limit: 1}}];
return false;
}
}
}
}
var valid2 = _errs16 === errors;
if(!valid2){
break;
}
}
}
else {
validate93.errors = [{instancePath:instancePath+"/parity/batch_sizes",schemaPath:"#/properties/parity/properties/batch_sizes/type",keyword:"type",params:{type: "array"}}];
return false;
}
}
var valid1 = _errs14 === errors;
}
else {
var valid1 = true;
}
}
}
}
}
}
}
else {
validate93.errors = [{instancePath:instancePath+"/parity",schemaPath:"#/properties/parity/type",keyword:"type",params:{type: "object"}}];
return false;
}
}
var valid0 = _errs5 === errors;
}
else {
var valid0 = true;
}
}
}
}
}
}
else {
validate93.errors = [{instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}}];
return false;
}
}
validate93.errors = vErrors;
return errors === 0;
}
validate93.evaluated = {"props":true,"dynamicProps":false,"dynamicItems":false};

const schema39 = {"type":"object","required":["operators","parity"],"additionalProperties":false,"properties":{"operators":{"type":"array","minItems":1,"maxItems":256,"items":{"type":"string","pattern":"^[A-Z][A-Z0-9_]{0,63}$"}},"parity":{"$ref":"#/$defs/parity"}}};
const pattern13 = new RegExp("^[A-Z][A-Z0-9_]{0,63}$", "u");

function validate97(data, {instancePath="", parentData, parentDataProperty, rootData=data, dynamicAnchors={}}={}){
let vErrors = null;
let errors = 0;
const evaluated0 = validate97.evaluated;
if(evaluated0.dynamicProps){
evaluated0.props = undefined;
}
if(evaluated0.dynamicItems){
evaluated0.items = undefined;
}
if(errors === 0){
if(data && typeof data == "object" && !Array.isArray(data)){
let missing0;
if(((data.operators === undefined) && (missing0 = "operators")) || ((data.parity === undefined) && (missing0 = "parity"))){
validate97.errors = [{instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: missing0}}];
return false;
}
else {
const _errs1 = errors;
for(const key0 in data){
if(!((key0 === "operators") || (key0 === "parity"))){
validate97.errors = [{instancePath,schemaPath:"#/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key0}}];
return false;
break;
}
}
if(_errs1 === errors){
if(data.operators !== undefined){
let data0 = data.operators;
const _errs2 = errors;
if(errors === _errs2){
if(Array.isArray(data0)){
if(data0.length > 256){
validate97.errors = [{instancePath:instancePath+"/operators",schemaPath:"#/properties/operators/maxItems",keyword:"maxItems",params:{limit: 256}}];
return false;
}
else {
if(data0.length < 1){
validate97.errors = [{instancePath:instancePath+"/operators",schemaPath:"#/properties/operators/minItems",keyword:"minItems",params:{limit: 1}}];
return false;
}
else {
var valid1 = true;
const len0 = data0.length;
for(let i0=0; i0<len0; i0++){
let data1 = data0[i0];
const _errs4 = errors;
if(errors === _errs4){
if(typeof data1 === "string"){
if(!pattern13.test(data1)){
validate97.errors = [{instancePath:instancePath+"/operators/" + i0,schemaPath:"#/properties/operators/items/pattern",keyword:"pattern",params:{pattern: "^[A-Z][A-Z0-9_]{0,63}$"}}];
return false;
}
}
else {
validate97.errors = [{instancePath:instancePath+"/operators/" + i0,schemaPath:"#/properties/operators/items/type",keyword:"type",params:{type: "string"}}];
return false;
}
}
var valid1 = _errs4 === errors;
if(!valid1){
break;
}
}
}
}
}
else {
validate97.errors = [{instancePath:instancePath+"/operators",schemaPath:"#/properties/operators/type",keyword:"type",params:{type: "array"}}];
return false;
}
}
var valid0 = _errs2 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.parity !== undefined){
const _errs6 = errors;
if(!(validate63(data.parity, {instancePath:instancePath+"/parity",parentData:data,parentDataProperty:"parity",rootData,dynamicAnchors}))){
vErrors = vErrors === null ? validate63.errors : vErrors.concat(validate63.errors);
errors = vErrors.length;
}
var valid0 = _errs6 === errors;
}
else {
var valid0 = true;
}
}
}
}
}
else {
validate97.errors = [{instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}}];
return false;
}
}
validate97.errors = vErrors;
return errors === 0;
}
validate97.evaluated = {"props":true,"dynamicProps":false,"dynamicItems":false};


function validate92(data, {instancePath="", parentData, parentDataProperty, rootData=data, dynamicAnchors={}}={}){
let vErrors = null;
let errors = 0;
const evaluated0 = validate92.evaluated;
if(evaluated0.dynamicProps){
evaluated0.props = undefined;
}
if(evaluated0.dynamicItems){
evaluated0.items = undefined;
}
if(errors === 0){
if(data && typeof data == "object" && !Array.isArray(data)){
const _errs1 = errors;
for(const key0 in data){
if(!((key0 === "float16") || (key0 === "litert"))){
validate92.errors = [{instancePath,schemaPath:"#/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key0}}];
return false;
break;
}
}
if(_errs1 === errors){
if(data.float16 !== undefined){
const _errs2 = errors;
if(!(validate93(data.float16, {instancePath:instancePath+"/float16",parentData:data,parentDataProperty:"float16",rootData,dynamicAnchors}))){
vErrors = vErrors === null ? validate93.errors : vErrors.concat(validate93.errors);
errors = vErrors.length;
}
var valid0 = _errs2 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.litert !== undefined){
const _errs3 = errors;
if(!(validate97(data.litert, {instancePath:instancePath+"/litert",parentData:data,parentDataProperty:"litert",rootData,dynamicAnchors}))){
vErrors = vErrors === null ? validate97.errors : vErrors.concat(validate97.errors);
errors = vErrors.length;
}
var valid0 = _errs3 === errors;
}
else {
var valid0 = true;
}
}
}
}
else {
validate92.errors = [{instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}}];
return false;
}
}
validate92.errors = vErrors;
return errors === 0;
}
validate92.evaluated = {"props":true,"dynamicProps":false,"dynamicItems":false};

const schema40 = {"type":"object","required":["alarm"],"additionalProperties":false,"properties":{"alarm":{"type":["object","null"],"if":{"type":"null"},"then":{},"else":{"$ref":"#/$defs/alarm"}}}};

function validate101(data, {instancePath="", parentData, parentDataProperty, rootData=data, dynamicAnchors={}}={}){
let vErrors = null;
let errors = 0;
const evaluated0 = validate101.evaluated;
if(evaluated0.dynamicProps){
evaluated0.props = undefined;
}
if(evaluated0.dynamicItems){
evaluated0.items = undefined;
}
if(errors === 0){
if(data && typeof data == "object" && !Array.isArray(data)){
let missing0;
if((data.alarm === undefined) && (missing0 = "alarm")){
validate101.errors = [{instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: missing0}}];
return false;
}
else {
const _errs1 = errors;
for(const key0 in data){
if(!(key0 === "alarm")){
validate101.errors = [{instancePath,schemaPath:"#/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key0}}];
return false;
break;
}
}
if(_errs1 === errors){
if(data.alarm !== undefined){
let data0 = data.alarm;
if((!(data0 && typeof data0 == "object" && !Array.isArray(data0))) && (data0 !== null)){
validate101.errors = [{instancePath:instancePath+"/alarm",schemaPath:"#/properties/alarm/type",keyword:"type",params:{type: schema40.properties.alarm.type}}];
return false;
}
const _errs4 = errors;
let valid1 = true;
const _errs5 = errors;
if(data0 !== null){
const err0 = {};
if(vErrors === null){
vErrors = [err0];
}
else {
vErrors.push(err0);
}
errors++;
}
var _valid0 = _errs5 === errors;
errors = _errs4;
if(vErrors !== null){
if(_errs4){
vErrors.length = _errs4;
}
else {
vErrors = null;
}
}
if(!_valid0){
const _errs7 = errors;
if(!(validate78(data0, {instancePath:instancePath+"/alarm",parentData:data,parentDataProperty:"alarm",rootData,dynamicAnchors}))){
vErrors = vErrors === null ? validate78.errors : vErrors.concat(validate78.errors);
errors = vErrors.length;
}
var _valid0 = _errs7 === errors;
valid1 = _valid0;
}
if(!valid1){
const err1 = {instancePath:instancePath+"/alarm",schemaPath:"#/properties/alarm/if",keyword:"if",params:{failingKeyword: "else"}};
if(vErrors === null){
vErrors = [err1];
}
else {
vErrors.push(err1);
}
errors++;
validate101.errors = vErrors;
return false;
}
}
}
}
}
else {
validate101.errors = [{instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}}];
return false;
}
}
validate101.errors = vErrors;
return errors === 0;
}
validate101.evaluated = {"props":true,"dynamicProps":false,"dynamicItems":false};

const schema41 = {"type":"object","required":["window","hop","sampling_rate","channels"],"additionalProperties":false,"properties":{"window":{"type":"integer","minimum":1,"maximum":16777216},"hop":{"type":"integer","minimum":1,"maximum":9007199254740991},"sampling_rate":{"type":["number","null"],"exclusiveMinimum":0},"channels":{"type":"integer","minimum":1,"maximum":16777216}}};

function validate104(data, {instancePath="", parentData, parentDataProperty, rootData=data, dynamicAnchors={}}={}){
let vErrors = null;
let errors = 0;
const evaluated0 = validate104.evaluated;
if(evaluated0.dynamicProps){
evaluated0.props = undefined;
}
if(evaluated0.dynamicItems){
evaluated0.items = undefined;
}
if(errors === 0){
if(data && typeof data == "object" && !Array.isArray(data)){
let missing0;
if(((((data.window === undefined) && (missing0 = "window")) || ((data.hop === undefined) && (missing0 = "hop"))) || ((data.sampling_rate === undefined) && (missing0 = "sampling_rate"))) || ((data.channels === undefined) && (missing0 = "channels"))){
validate104.errors = [{instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: missing0}}];
return false;
}
else {
const _errs1 = errors;
for(const key0 in data){
if(!((((key0 === "window") || (key0 === "hop")) || (key0 === "sampling_rate")) || (key0 === "channels"))){
validate104.errors = [{instancePath,schemaPath:"#/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key0}}];
return false;
break;
}
}
if(_errs1 === errors){
if(data.window !== undefined){
let data0 = data.window;
const _errs2 = errors;
if(!(((typeof data0 == "number") && (!(data0 % 1) && !isNaN(data0))) && (isFinite(data0)))){
validate104.errors = [{instancePath:instancePath+"/window",schemaPath:"#/properties/window/type",keyword:"type",params:{type: "integer"}}];
return false;
}
if(errors === _errs2){
if((typeof data0 == "number") && (isFinite(data0))){
if(data0 > 16777216 || isNaN(data0)){
validate104.errors = [{instancePath:instancePath+"/window",schemaPath:"#/properties/window/maximum",keyword:"maximum",params:{comparison: "<=", limit: 16777216}}];
return false;
}
else {
if(data0 < 1 || isNaN(data0)){
validate104.errors = [{instancePath:instancePath+"/window",schemaPath:"#/properties/window/minimum",keyword:"minimum",params:{comparison: ">=", limit: 1}}];
return false;
}
}
}
}
var valid0 = _errs2 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.hop !== undefined){
let data1 = data.hop;
const _errs4 = errors;
if(!(((typeof data1 == "number") && (!(data1 % 1) && !isNaN(data1))) && (isFinite(data1)))){
validate104.errors = [{instancePath:instancePath+"/hop",schemaPath:"#/properties/hop/type",keyword:"type",params:{type: "integer"}}];
return false;
}
if(errors === _errs4){
if((typeof data1 == "number") && (isFinite(data1))){
if(data1 > 9007199254740991 || isNaN(data1)){
validate104.errors = [{instancePath:instancePath+"/hop",schemaPath:"#/properties/hop/maximum",keyword:"maximum",params:{comparison: "<=", limit: 9007199254740991}}];
return false;
}
else {
if(data1 < 1 || isNaN(data1)){
validate104.errors = [{instancePath:instancePath+"/hop",schemaPath:"#/properties/hop/minimum",keyword:"minimum",params:{comparison: ">=", limit: 1}}];
return false;
}
}
}
}
var valid0 = _errs4 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.sampling_rate !== undefined){
let data2 = data.sampling_rate;
const _errs6 = errors;
if((!((typeof data2 == "number") && (isFinite(data2)))) && (data2 !== null)){
validate104.errors = [{instancePath:instancePath+"/sampling_rate",schemaPath:"#/properties/sampling_rate/type",keyword:"type",params:{type: schema41.properties.sampling_rate.type}}];
return false;
}
if(errors === _errs6){
if((typeof data2 == "number") && (isFinite(data2))){
if(data2 <= 0 || isNaN(data2)){
validate104.errors = [{instancePath:instancePath+"/sampling_rate",schemaPath:"#/properties/sampling_rate/exclusiveMinimum",keyword:"exclusiveMinimum",params:{comparison: ">", limit: 0}}];
return false;
}
}
}
var valid0 = _errs6 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.channels !== undefined){
let data3 = data.channels;
const _errs8 = errors;
if(!(((typeof data3 == "number") && (!(data3 % 1) && !isNaN(data3))) && (isFinite(data3)))){
validate104.errors = [{instancePath:instancePath+"/channels",schemaPath:"#/properties/channels/type",keyword:"type",params:{type: "integer"}}];
return false;
}
if(errors === _errs8){
if((typeof data3 == "number") && (isFinite(data3))){
if(data3 > 16777216 || isNaN(data3)){
validate104.errors = [{instancePath:instancePath+"/channels",schemaPath:"#/properties/channels/maximum",keyword:"maximum",params:{comparison: "<=", limit: 16777216}}];
return false;
}
else {
if(data3 < 1 || isNaN(data3)){
validate104.errors = [{instancePath:instancePath+"/channels",schemaPath:"#/properties/channels/minimum",keyword:"minimum",params:{comparison: ">=", limit: 1}}];
return false;
}
}
}
}
var valid0 = _errs8 === errors;
}
else {
var valid0 = true;
}
}
}
}
}
}
}
else {
validate104.errors = [{instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}}];
return false;
}
}
validate104.errors = vErrors;
return errors === 0;
}
validate104.evaluated = {"props":true,"dynamicProps":false,"dynamicItems":false};

const schema42 = {"type":"object","additionalProperties":false,"properties":{"encoder":{"type":"number","exclusiveMinimum":0},"decoder":{"type":"number","exclusiveMinimum":0},"score":{"type":"number","exclusiveMinimum":0},"features":{"type":"number","exclusiveMinimum":0}}};

function validate106(data, {instancePath="", parentData, parentDataProperty, rootData=data, dynamicAnchors={}}={}){
let vErrors = null;
let errors = 0;
const evaluated0 = validate106.evaluated;
if(evaluated0.dynamicProps){
evaluated0.props = undefined;
}
if(evaluated0.dynamicItems){
evaluated0.items = undefined;
}
if(errors === 0){
if(data && typeof data == "object" && !Array.isArray(data)){
const _errs1 = errors;
for(const key0 in data){
if(!((((key0 === "encoder") || (key0 === "decoder")) || (key0 === "score")) || (key0 === "features"))){
validate106.errors = [{instancePath,schemaPath:"#/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key0}}];
return false;
break;
}
}
if(_errs1 === errors){
if(data.encoder !== undefined){
let data0 = data.encoder;
const _errs2 = errors;
if(errors === _errs2){
if((typeof data0 == "number") && (isFinite(data0))){
if(data0 <= 0 || isNaN(data0)){
validate106.errors = [{instancePath:instancePath+"/encoder",schemaPath:"#/properties/encoder/exclusiveMinimum",keyword:"exclusiveMinimum",params:{comparison: ">", limit: 0}}];
return false;
}
}
else {
validate106.errors = [{instancePath:instancePath+"/encoder",schemaPath:"#/properties/encoder/type",keyword:"type",params:{type: "number"}}];
return false;
}
}
var valid0 = _errs2 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.decoder !== undefined){
let data1 = data.decoder;
const _errs4 = errors;
if(errors === _errs4){
if((typeof data1 == "number") && (isFinite(data1))){
if(data1 <= 0 || isNaN(data1)){
validate106.errors = [{instancePath:instancePath+"/decoder",schemaPath:"#/properties/decoder/exclusiveMinimum",keyword:"exclusiveMinimum",params:{comparison: ">", limit: 0}}];
return false;
}
}
else {
validate106.errors = [{instancePath:instancePath+"/decoder",schemaPath:"#/properties/decoder/type",keyword:"type",params:{type: "number"}}];
return false;
}
}
var valid0 = _errs4 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.score !== undefined){
let data2 = data.score;
const _errs6 = errors;
if(errors === _errs6){
if((typeof data2 == "number") && (isFinite(data2))){
if(data2 <= 0 || isNaN(data2)){
validate106.errors = [{instancePath:instancePath+"/score",schemaPath:"#/properties/score/exclusiveMinimum",keyword:"exclusiveMinimum",params:{comparison: ">", limit: 0}}];
return false;
}
}
else {
validate106.errors = [{instancePath:instancePath+"/score",schemaPath:"#/properties/score/type",keyword:"type",params:{type: "number"}}];
return false;
}
}
var valid0 = _errs6 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.features !== undefined){
let data3 = data.features;
const _errs8 = errors;
if(errors === _errs8){
if((typeof data3 == "number") && (isFinite(data3))){
if(data3 <= 0 || isNaN(data3)){
validate106.errors = [{instancePath:instancePath+"/features",schemaPath:"#/properties/features/exclusiveMinimum",keyword:"exclusiveMinimum",params:{comparison: ">", limit: 0}}];
return false;
}
}
else {
validate106.errors = [{instancePath:instancePath+"/features",schemaPath:"#/properties/features/type",keyword:"type",params:{type: "number"}}];
return false;
}
}
var valid0 = _errs8 === errors;
}
else {
var valid0 = true;
}
}
}
}
}
}
else {
validate106.errors = [{instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}}];
return false;
}
}
validate106.errors = vErrors;
return errors === 0;
}
validate106.evaluated = {"props":true,"dynamicProps":false,"dynamicItems":false};


function validate52(data, {instancePath="", parentData, parentDataProperty, rootData=data, dynamicAnchors={}}={}){
let vErrors = null;
let errors = 0;
const evaluated0 = validate52.evaluated;
if(evaluated0.dynamicProps){
evaluated0.props = undefined;
}
if(evaluated0.dynamicItems){
evaluated0.items = undefined;
}
const _errs1 = errors;
let valid0 = true;
const _errs2 = errors;
if(data && typeof data == "object" && !Array.isArray(data)){
if(data.format !== undefined){
if(1 !== data.format){
const err0 = {};
if(vErrors === null){
vErrors = [err0];
}
else {
vErrors.push(err0);
}
errors++;
}
}
}
var _valid0 = _errs2 === errors;
errors = _errs1;
if(vErrors !== null){
if(_errs1){
vErrors.length = _errs1;
}
else {
vErrors = null;
}
}
if(!_valid0){
const _errs4 = errors;
if(data && typeof data == "object" && !Array.isArray(data)){
let missing0;
if((data.requires === undefined) && (missing0 = "requires")){
validate52.errors = [{instancePath,schemaPath:"#/else/required",keyword:"required",params:{missingProperty: missing0}}];
return false;
}
else {
if(data.threshold !== undefined){
let data1 = data.threshold;
if((typeof data1 == "number") && (isFinite(data1))){
if(data1 < 0 || isNaN(data1)){
validate52.errors = [{instancePath:instancePath+"/threshold",schemaPath:"#/else/properties/threshold/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
}
}
}
var _valid0 = _errs4 === errors;
valid0 = _valid0;
if(valid0){
var props0 = {};
props0.threshold = true;
props0.format = true;
}
}
if(!valid0){
const err1 = {instancePath,schemaPath:"#/if",keyword:"if",params:{failingKeyword: "else"}};
if(vErrors === null){
vErrors = [err1];
}
else {
vErrors.push(err1);
}
errors++;
validate52.errors = vErrors;
return false;
}
if(errors === 0){
if(data && typeof data == "object" && !Array.isArray(data)){
let missing1;
if((((((((((((((((data.format === undefined) && (missing1 = "format")) || ((data.input === undefined) && (missing1 = "input"))) || ((data.output === undefined) && (missing1 = "output"))) || ((data.threshold === undefined) && (missing1 = "threshold"))) || ((data.opset === undefined) && (missing1 = "opset"))) || ((data.ir_version === undefined) && (missing1 = "ir_version"))) || ((data.min_onnxruntime === undefined) && (missing1 = "min_onnxruntime"))) || ((data.converter === undefined) && (missing1 = "converter"))) || ((data.versions === undefined) && (missing1 = "versions"))) || ((data.parity === undefined) && (missing1 = "parity"))) || ((data.golden === undefined) && (missing1 = "golden"))) || ((data.top_k === undefined) && (missing1 = "top_k"))) || ((data.statistics === undefined) && (missing1 = "statistics"))) || ((data.files === undefined) && (missing1 = "files"))) || ((data.int8 === undefined) && (missing1 = "int8"))){
validate52.errors = [{instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: missing1}}];
return false;
}
else {
const _errs6 = errors;
for(const key0 in data){
if(!(func1.call(schema19.properties, key0))){
validate52.errors = [{instancePath,schemaPath:"#/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key0}}];
return false;
break;
}
}
if(_errs6 === errors){
if(data.format !== undefined){
let data2 = data.format;
const _errs7 = errors;
if(!(((typeof data2 == "number") && (!(data2 % 1) && !isNaN(data2))) && (isFinite(data2)))){
validate52.errors = [{instancePath:instancePath+"/format",schemaPath:"#/properties/format/type",keyword:"type",params:{type: "integer"}}];
return false;
}
if(!((data2 === 1) || (data2 === 2))){
validate52.errors = [{instancePath:instancePath+"/format",schemaPath:"#/properties/format/enum",keyword:"enum",params:{allowedValues: schema19.properties.format.enum}}];
return false;
}
if(errors === _errs7){
if((typeof data2 == "number") && (isFinite(data2))){
if(data2 > 9007199254740991 || isNaN(data2)){
validate52.errors = [{instancePath:instancePath+"/format",schemaPath:"#/properties/format/maximum",keyword:"maximum",params:{comparison: "<=", limit: 9007199254740991}}];
return false;
}
else {
if(data2 < -9007199254740991 || isNaN(data2)){
validate52.errors = [{instancePath:instancePath+"/format",schemaPath:"#/properties/format/minimum",keyword:"minimum",params:{comparison: ">=", limit: -9007199254740991}}];
return false;
}
}
}
}
var valid3 = _errs7 === errors;
}
else {
var valid3 = true;
}
if(valid3){
if(data.requires !== undefined){
let data3 = data.requires;
const _errs9 = errors;
if(errors === _errs9){
if(Array.isArray(data3)){
if(data3.length > 64){
validate52.errors = [{instancePath:instancePath+"/requires",schemaPath:"#/properties/requires/maxItems",keyword:"maxItems",params:{limit: 64}}];
return false;
}
else {
var valid4 = true;
const len0 = data3.length;
for(let i0=0; i0<len0; i0++){
let data4 = data3[i0];
const _errs11 = errors;
if(errors === _errs11){
if(typeof data4 === "string"){
if(!pattern3.test(data4)){
validate52.errors = [{instancePath:instancePath+"/requires/" + i0,schemaPath:"#/properties/requires/items/pattern",keyword:"pattern",params:{pattern: "^[a-z][a-z0-9-]{0,63}$"}}];
return false;
}
}
else {
validate52.errors = [{instancePath:instancePath+"/requires/" + i0,schemaPath:"#/properties/requires/items/type",keyword:"type",params:{type: "string"}}];
return false;
}
}
var valid4 = _errs11 === errors;
if(!valid4){
break;
}
}
}
}
else {
validate52.errors = [{instancePath:instancePath+"/requires",schemaPath:"#/properties/requires/type",keyword:"type",params:{type: "array"}}];
return false;
}
}
var valid3 = _errs9 === errors;
}
else {
var valid3 = true;
}
if(valid3){
if(data.input !== undefined){
let data5 = data.input;
const _errs13 = errors;
const _errs14 = errors;
if(!(validate53(data5, {instancePath:instancePath+"/input",parentData:data,parentDataProperty:"input",rootData,dynamicAnchors}))){
vErrors = vErrors === null ? validate53.errors : vErrors.concat(validate53.errors);
errors = vErrors.length;
}
var valid5 = _errs14 === errors;
if(valid5){
const _errs15 = errors;
if(data5 && typeof data5 == "object" && !Array.isArray(data5)){
if(data5.name !== undefined){
if("x" !== data5.name){
validate52.errors = [{instancePath:instancePath+"/input/name",schemaPath:"#/properties/input/allOf/1/properties/name/const",keyword:"const",params:{allowedValue: "x"}}];
return false;
}
}
}
var valid5 = _errs15 === errors;
}
var valid3 = _errs13 === errors;
}
else {
var valid3 = true;
}
if(valid3){
if(data.inputs !== undefined){
let data7 = data.inputs;
const _errs17 = errors;
if(errors === _errs17){
if(Array.isArray(data7)){
if(data7.length > 64){
validate52.errors = [{instancePath:instancePath+"/inputs",schemaPath:"#/properties/inputs/maxItems",keyword:"maxItems",params:{limit: 64}}];
return false;
}
else {
if(data7.length < 1){
validate52.errors = [{instancePath:instancePath+"/inputs",schemaPath:"#/properties/inputs/minItems",keyword:"minItems",params:{limit: 1}}];
return false;
}
else {
var valid7 = true;
const len1 = data7.length;
for(let i1=0; i1<len1; i1++){
const _errs19 = errors;
if(!(validate55(data7[i1], {instancePath:instancePath+"/inputs/" + i1,parentData:data7,parentDataProperty:i1,rootData,dynamicAnchors}))){
vErrors = vErrors === null ? validate55.errors : vErrors.concat(validate55.errors);
errors = vErrors.length;
}
var valid7 = _errs19 === errors;
if(!valid7){
break;
}
}
}
}
}
else {
validate52.errors = [{instancePath:instancePath+"/inputs",schemaPath:"#/properties/inputs/type",keyword:"type",params:{type: "array"}}];
return false;
}
}
var valid3 = _errs17 === errors;
}
else {
var valid3 = true;
}
if(valid3){
if(data.lengths !== undefined){
let data9 = data.lengths;
const _errs20 = errors;
if(errors === _errs20){
if(data9 && typeof data9 == "object" && !Array.isArray(data9)){
let missing2;
if((data9.least === undefined) && (missing2 = "least")){
validate52.errors = [{instancePath:instancePath+"/lengths",schemaPath:"#/properties/lengths/required",keyword:"required",params:{missingProperty: missing2}}];
return false;
}
else {
const _errs22 = errors;
for(const key1 in data9){
if(!(key1 === "least")){
validate52.errors = [{instancePath:instancePath+"/lengths",schemaPath:"#/properties/lengths/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key1}}];
return false;
break;
}
}
if(_errs22 === errors){
if(data9.least !== undefined){
let data10 = data9.least;
const _errs23 = errors;
if(errors === _errs23){
if(Array.isArray(data10)){
if(data10.length > 7){
validate52.errors = [{instancePath:instancePath+"/lengths/least",schemaPath:"#/properties/lengths/properties/least/maxItems",keyword:"maxItems",params:{limit: 7}}];
return false;
}
else {
if(data10.length < 1){
validate52.errors = [{instancePath:instancePath+"/lengths/least",schemaPath:"#/properties/lengths/properties/least/minItems",keyword:"minItems",params:{limit: 1}}];
return false;
}
else {
var valid9 = true;
const len2 = data10.length;
for(let i2=0; i2<len2; i2++){
let data11 = data10[i2];
const _errs25 = errors;
if(!(((typeof data11 == "number") && (!(data11 % 1) && !isNaN(data11))) && (isFinite(data11)))){
validate52.errors = [{instancePath:instancePath+"/lengths/least/" + i2,schemaPath:"#/properties/lengths/properties/least/items/type",keyword:"type",params:{type: "integer"}}];
return false;
}
if(errors === _errs25){
if((typeof data11 == "number") && (isFinite(data11))){
if(data11 > 9007199254740991 || isNaN(data11)){
validate52.errors = [{instancePath:instancePath+"/lengths/least/" + i2,schemaPath:"#/properties/lengths/properties/least/items/maximum",keyword:"maximum",params:{comparison: "<=", limit: 9007199254740991}}];
return false;
}
else {
if(data11 < 1 || isNaN(data11)){
validate52.errors = [{instancePath:instancePath+"/lengths/least/" + i2,schemaPath:"#/properties/lengths/properties/least/items/minimum",keyword:"minimum",params:{comparison: ">=", limit: 1}}];
return false;
}
}
}
}
var valid9 = _errs25 === errors;
if(!valid9){
break;
}
}
}
}
}
else {
validate52.errors = [{instancePath:instancePath+"/lengths/least",schemaPath:"#/properties/lengths/properties/least/type",keyword:"type",params:{type: "array"}}];
return false;
}
}
}
}
}
}
else {
validate52.errors = [{instancePath:instancePath+"/lengths",schemaPath:"#/properties/lengths/type",keyword:"type",params:{type: "object"}}];
return false;
}
}
var valid3 = _errs20 === errors;
}
else {
var valid3 = true;
}
if(valid3){
if(data.columns !== undefined){
let data12 = data.columns;
const _errs27 = errors;
if(errors === _errs27){
if(Array.isArray(data12)){
if(data12.length > 65536){
validate52.errors = [{instancePath:instancePath+"/columns",schemaPath:"#/properties/columns/maxItems",keyword:"maxItems",params:{limit: 65536}}];
return false;
}
else {
if(data12.length < 1){
validate52.errors = [{instancePath:instancePath+"/columns",schemaPath:"#/properties/columns/minItems",keyword:"minItems",params:{limit: 1}}];
return false;
}
else {
var valid10 = true;
const len3 = data12.length;
for(let i3=0; i3<len3; i3++){
const _errs29 = errors;
if(typeof data12[i3] !== "string"){
validate52.errors = [{instancePath:instancePath+"/columns/" + i3,schemaPath:"#/properties/columns/items/type",keyword:"type",params:{type: "string"}}];
return false;
}
var valid10 = _errs29 === errors;
if(!valid10){
break;
}
}
}
}
}
else {
validate52.errors = [{instancePath:instancePath+"/columns",schemaPath:"#/properties/columns/type",keyword:"type",params:{type: "array"}}];
return false;
}
}
var valid3 = _errs27 === errors;
}
else {
var valid3 = true;
}
if(valid3){
if(data.categories !== undefined){
let data14 = data.categories;
const _errs31 = errors;
if(errors === _errs31){
if(data14 && typeof data14 == "object" && !Array.isArray(data14)){
for(const key2 in data14){
let data15 = data14[key2];
const _errs34 = errors;
if(errors === _errs34){
if(Array.isArray(data15)){
if(data15.length > 256){
validate52.errors = [{instancePath:instancePath+"/categories/" + key2.replace(/~/g, "~0").replace(/\//g, "~1"),schemaPath:"#/properties/categories/additionalProperties/maxItems",keyword:"maxItems",params:{limit: 256}}];
return false;
}
else {
if(data15.length < 1){
validate52.errors = [{instancePath:instancePath+"/categories/" + key2.replace(/~/g, "~0").replace(/\//g, "~1"),schemaPath:"#/properties/categories/additionalProperties/minItems",keyword:"minItems",params:{limit: 1}}];
return false;
}
else {
var valid12 = true;
const len4 = data15.length;
for(let i4=0; i4<len4; i4++){
const _errs36 = errors;
if(typeof data15[i4] !== "string"){
validate52.errors = [{instancePath:instancePath+"/categories/" + key2.replace(/~/g, "~0").replace(/\//g, "~1")+"/" + i4,schemaPath:"#/properties/categories/additionalProperties/items/type",keyword:"type",params:{type: "string"}}];
return false;
}
var valid12 = _errs36 === errors;
if(!valid12){
break;
}
}
}
}
}
else {
validate52.errors = [{instancePath:instancePath+"/categories/" + key2.replace(/~/g, "~0").replace(/\//g, "~1"),schemaPath:"#/properties/categories/additionalProperties/type",keyword:"type",params:{type: "array"}}];
return false;
}
}
var valid11 = _errs34 === errors;
if(!valid11){
break;
}
}
}
else {
validate52.errors = [{instancePath:instancePath+"/categories",schemaPath:"#/properties/categories/type",keyword:"type",params:{type: "object"}}];
return false;
}
}
var valid3 = _errs31 === errors;
}
else {
var valid3 = true;
}
if(valid3){
if(data.features !== undefined){
let data17 = data.features;
const _errs38 = errors;
const _errs39 = errors;
if(!(validate53(data17, {instancePath:instancePath+"/features",parentData:data,parentDataProperty:"features",rootData,dynamicAnchors}))){
vErrors = vErrors === null ? validate53.errors : vErrors.concat(validate53.errors);
errors = vErrors.length;
}
var valid13 = _errs39 === errors;
if(valid13){
const _errs40 = errors;
if(data17 && typeof data17 == "object" && !Array.isArray(data17)){
if(data17.name !== undefined){
if("features" !== data17.name){
validate52.errors = [{instancePath:instancePath+"/features/name",schemaPath:"#/properties/features/allOf/1/properties/name/const",keyword:"const",params:{allowedValue: "features"}}];
return false;
}
}
}
var valid13 = _errs40 === errors;
}
var valid3 = _errs38 === errors;
}
else {
var valid3 = true;
}
if(valid3){
if(data.offset !== undefined){
let data19 = data.offset;
const _errs42 = errors;
if((!(Array.isArray(data19))) && (data19 !== null)){
validate52.errors = [{instancePath:instancePath+"/offset",schemaPath:"#/properties/offset/type",keyword:"type",params:{type: schema19.properties.offset.type}}];
return false;
}
if(errors === _errs42){
if(Array.isArray(data19)){
if(data19.length > 65536){
validate52.errors = [{instancePath:instancePath+"/offset",schemaPath:"#/properties/offset/maxItems",keyword:"maxItems",params:{limit: 65536}}];
return false;
}
else {
if(data19.length < 1){
validate52.errors = [{instancePath:instancePath+"/offset",schemaPath:"#/properties/offset/minItems",keyword:"minItems",params:{limit: 1}}];
return false;
}
else {
var valid15 = true;
const len5 = data19.length;
for(let i5=0; i5<len5; i5++){
let data20 = data19[i5];
const _errs44 = errors;
if(errors === _errs44){
if((typeof data20 == "number") && (isFinite(data20))){
if(data20 > 3.5e+38 || isNaN(data20)){
validate52.errors = [{instancePath:instancePath+"/offset/" + i5,schemaPath:"#/properties/offset/items/maximum",keyword:"maximum",params:{comparison: "<=", limit: 3.5e+38}}];
return false;
}
else {
if(data20 < -3.5e+38 || isNaN(data20)){
validate52.errors = [{instancePath:instancePath+"/offset/" + i5,schemaPath:"#/properties/offset/items/minimum",keyword:"minimum",params:{comparison: ">=", limit: -3.5e+38}}];
return false;
}
}
}
else {
validate52.errors = [{instancePath:instancePath+"/offset/" + i5,schemaPath:"#/properties/offset/items/type",keyword:"type",params:{type: "number"}}];
return false;
}
}
var valid15 = _errs44 === errors;
if(!valid15){
break;
}
}
}
}
}
}
var valid3 = _errs42 === errors;
}
else {
var valid3 = true;
}
if(valid3){
if(data.scale !== undefined){
let data21 = data.scale;
const _errs46 = errors;
if((!(Array.isArray(data21))) && (data21 !== null)){
validate52.errors = [{instancePath:instancePath+"/scale",schemaPath:"#/properties/scale/type",keyword:"type",params:{type: schema19.properties.scale.type}}];
return false;
}
if(errors === _errs46){
if(Array.isArray(data21)){
if(data21.length > 65536){
validate52.errors = [{instancePath:instancePath+"/scale",schemaPath:"#/properties/scale/maxItems",keyword:"maxItems",params:{limit: 65536}}];
return false;
}
else {
if(data21.length < 1){
validate52.errors = [{instancePath:instancePath+"/scale",schemaPath:"#/properties/scale/minItems",keyword:"minItems",params:{limit: 1}}];
return false;
}
else {
var valid16 = true;
const len6 = data21.length;
for(let i6=0; i6<len6; i6++){
let data22 = data21[i6];
const _errs48 = errors;
if(errors === _errs48){
if((typeof data22 == "number") && (isFinite(data22))){
if(data22 > 3.5e+38 || isNaN(data22)){
validate52.errors = [{instancePath:instancePath+"/scale/" + i6,schemaPath:"#/properties/scale/items/maximum",keyword:"maximum",params:{comparison: "<=", limit: 3.5e+38}}];
return false;
}
else {
if(data22 <= 0 || isNaN(data22)){
validate52.errors = [{instancePath:instancePath+"/scale/" + i6,schemaPath:"#/properties/scale/items/exclusiveMinimum",keyword:"exclusiveMinimum",params:{comparison: ">", limit: 0}}];
return false;
}
}
}
else {
validate52.errors = [{instancePath:instancePath+"/scale/" + i6,schemaPath:"#/properties/scale/items/type",keyword:"type",params:{type: "number"}}];
return false;
}
}
var valid16 = _errs48 === errors;
if(!valid16){
break;
}
}
}
}
}
}
var valid3 = _errs46 === errors;
}
else {
var valid3 = true;
}
if(valid3){
if(data.output !== undefined){
let data23 = data.output;
const _errs50 = errors;
const _errs51 = errors;
if(!(validate53(data23, {instancePath:instancePath+"/output",parentData:data,parentDataProperty:"output",rootData,dynamicAnchors}))){
vErrors = vErrors === null ? validate53.errors : vErrors.concat(validate53.errors);
errors = vErrors.length;
}
var valid17 = _errs51 === errors;
if(valid17){
const _errs52 = errors;
if(data23 && typeof data23 == "object" && !Array.isArray(data23)){
if(data23.name !== undefined){
if("code" !== data23.name){
validate52.errors = [{instancePath:instancePath+"/output/name",schemaPath:"#/properties/output/allOf/1/properties/name/const",keyword:"const",params:{allowedValue: "code"}}];
return false;
}
}
}
var valid17 = _errs52 === errors;
}
var valid3 = _errs50 === errors;
}
else {
var valid3 = true;
}
if(valid3){
if(data.threshold !== undefined){
let data25 = data.threshold;
const _errs54 = errors;
if(!((typeof data25 == "number") && (isFinite(data25)))){
validate52.errors = [{instancePath:instancePath+"/threshold",schemaPath:"#/properties/threshold/type",keyword:"type",params:{type: "number"}}];
return false;
}
var valid3 = _errs54 === errors;
}
else {
var valid3 = true;
}
if(valid3){
if(data.thresholds !== undefined){
let data26 = data.thresholds;
const _errs56 = errors;
if((!(Array.isArray(data26))) && (data26 !== null)){
validate52.errors = [{instancePath:instancePath+"/thresholds",schemaPath:"#/properties/thresholds/type",keyword:"type",params:{type: schema19.properties.thresholds.type}}];
return false;
}
if(errors === _errs56){
if(Array.isArray(data26)){
if(data26.length > 2){
validate52.errors = [{instancePath:instancePath+"/thresholds",schemaPath:"#/properties/thresholds/maxItems",keyword:"maxItems",params:{limit: 2}}];
return false;
}
else {
if(data26.length < 1){
validate52.errors = [{instancePath:instancePath+"/thresholds",schemaPath:"#/properties/thresholds/minItems",keyword:"minItems",params:{limit: 1}}];
return false;
}
else {
var valid19 = true;
const len7 = data26.length;
for(let i7=0; i7<len7; i7++){
const _errs58 = errors;
if(!(validate59(data26[i7], {instancePath:instancePath+"/thresholds/" + i7,parentData:data26,parentDataProperty:i7,rootData,dynamicAnchors}))){
vErrors = vErrors === null ? validate59.errors : vErrors.concat(validate59.errors);
errors = vErrors.length;
}
var valid19 = _errs58 === errors;
if(!valid19){
break;
}
}
}
}
}
}
var valid3 = _errs56 === errors;
}
else {
var valid3 = true;
}
if(valid3){
if(data.calibration !== undefined){
let data28 = data.calibration;
const _errs59 = errors;
if((!(data28 && typeof data28 == "object" && !Array.isArray(data28))) && (data28 !== null)){
validate52.errors = [{instancePath:instancePath+"/calibration",schemaPath:"#/properties/calibration/type",keyword:"type",params:{type: schema19.properties.calibration.type}}];
return false;
}
const _errs61 = errors;
let valid20 = true;
const _errs62 = errors;
if(data28 !== null){
const err2 = {};
if(vErrors === null){
vErrors = [err2];
}
else {
vErrors.push(err2);
}
errors++;
}
var _valid1 = _errs62 === errors;
errors = _errs61;
if(vErrors !== null){
if(_errs61){
vErrors.length = _errs61;
}
else {
vErrors = null;
}
}
if(!_valid1){
const _errs64 = errors;
if(!(validate61(data28, {instancePath:instancePath+"/calibration",parentData:data,parentDataProperty:"calibration",rootData,dynamicAnchors}))){
vErrors = vErrors === null ? validate61.errors : vErrors.concat(validate61.errors);
errors = vErrors.length;
}
var _valid1 = _errs64 === errors;
valid20 = _valid1;
}
if(!valid20){
const err3 = {instancePath:instancePath+"/calibration",schemaPath:"#/properties/calibration/if",keyword:"if",params:{failingKeyword: "else"}};
if(vErrors === null){
vErrors = [err3];
}
else {
vErrors.push(err3);
}
errors++;
validate52.errors = vErrors;
return false;
}
var valid3 = _errs59 === errors;
}
else {
var valid3 = true;
}
if(valid3){
if(data.missing !== undefined){
let data29 = data.missing;
const _errs65 = errors;
if(!((data29 === "mean") || (data29 === "mask"))){
validate52.errors = [{instancePath:instancePath+"/missing",schemaPath:"#/properties/missing/enum",keyword:"enum",params:{allowedValues: schema19.properties.missing.enum}}];
return false;
}
var valid3 = _errs65 === errors;
}
else {
var valid3 = true;
}
if(valid3){
if(data.opset !== undefined){
let data30 = data.opset;
const _errs66 = errors;
if(!(((typeof data30 == "number") && (!(data30 % 1) && !isNaN(data30))) && (isFinite(data30)))){
validate52.errors = [{instancePath:instancePath+"/opset",schemaPath:"#/properties/opset/type",keyword:"type",params:{type: "integer"}}];
return false;
}
if(errors === _errs66){
if((typeof data30 == "number") && (isFinite(data30))){
if(data30 > 18 || isNaN(data30)){
validate52.errors = [{instancePath:instancePath+"/opset",schemaPath:"#/properties/opset/maximum",keyword:"maximum",params:{comparison: "<=", limit: 18}}];
return false;
}
else {
if(data30 < 13 || isNaN(data30)){
validate52.errors = [{instancePath:instancePath+"/opset",schemaPath:"#/properties/opset/minimum",keyword:"minimum",params:{comparison: ">=", limit: 13}}];
return false;
}
}
}
}
var valid3 = _errs66 === errors;
}
else {
var valid3 = true;
}
if(valid3){
if(data.ir_version !== undefined){
let data31 = data.ir_version;
const _errs68 = errors;
if(!((data31 === 7) || (data31 === 8))){
validate52.errors = [{instancePath:instancePath+"/ir_version",schemaPath:"#/properties/ir_version/enum",keyword:"enum",params:{allowedValues: schema19.properties.ir_version.enum}}];
return false;
}
var valid3 = _errs68 === errors;
}
else {
var valid3 = true;
}
if(valid3){
if(data.min_onnxruntime !== undefined){
let data32 = data.min_onnxruntime;
const _errs69 = errors;
if(errors === _errs69){
if(typeof data32 === "string"){
if(!pattern5.test(data32)){
validate52.errors = [{instancePath:instancePath+"/min_onnxruntime",schemaPath:"#/properties/min_onnxruntime/pattern",keyword:"pattern",params:{pattern: "^[0-9]{1,4}(\\.[0-9]{1,4}){0,3}$"}}];
return false;
}
}
else {
validate52.errors = [{instancePath:instancePath+"/min_onnxruntime",schemaPath:"#/properties/min_onnxruntime/type",keyword:"type",params:{type: "string"}}];
return false;
}
}
var valid3 = _errs69 === errors;
}
else {
var valid3 = true;
}
if(valid3){
if(data.converter !== undefined){
let data33 = data.converter;
const _errs71 = errors;
if(!((((data33 === "builder") || (data33 === "tf2onnx")) || (data33 === "jax2onnx")) || (data33 === "torch.onnx"))){
validate52.errors = [{instancePath:instancePath+"/converter",schemaPath:"#/properties/converter/enum",keyword:"enum",params:{allowedValues: schema19.properties.converter.enum}}];
return false;
}
var valid3 = _errs71 === errors;
}
else {
var valid3 = true;
}
if(valid3){
if(data.versions !== undefined){
let data34 = data.versions;
const _errs72 = errors;
if(errors === _errs72){
if(data34 && typeof data34 == "object" && !Array.isArray(data34)){
let missing3;
if(((((((data34.backend === undefined) && (missing3 = "backend")) || ((data34.keras === undefined) && (missing3 = "keras"))) || ((data34["keras-sparse-export"] === undefined) && (missing3 = "keras-sparse-export"))) || ((data34.numpy === undefined) && (missing3 = "numpy"))) || ((data34.onnx === undefined) && (missing3 = "onnx"))) || ((data34.onnxruntime === undefined) && (missing3 = "onnxruntime"))){
validate52.errors = [{instancePath:instancePath+"/versions",schemaPath:"#/properties/versions/required",keyword:"required",params:{missingProperty: missing3}}];
return false;
}
else {
for(const key3 in data34){
const _errs74 = errors;
if(typeof key3 === "string"){
if(!pattern6.test(key3)){
const err4 = {instancePath:instancePath+"/versions",schemaPath:"#/properties/versions/propertyNames/pattern",keyword:"pattern",params:{pattern: "^[A-Za-z0-9._-]{1,64}$"},propertyName:key3};
if(vErrors === null){
vErrors = [err4];
}
else {
vErrors.push(err4);
}
errors++;
}
}
var valid21 = _errs74 === errors;
if(!valid21){
const err5 = {instancePath:instancePath+"/versions",schemaPath:"#/properties/versions/propertyNames",keyword:"propertyNames",params:{propertyName: key3}};
if(vErrors === null){
vErrors = [err5];
}
else {
vErrors.push(err5);
}
errors++;
validate52.errors = vErrors;
return false;
break;
}
}
if(valid21){
const _errs75 = errors;
for(const key4 in data34){
if(!(key4 === "backend")){
let data35 = data34[key4];
const _errs76 = errors;
if(errors === _errs76){
if(typeof data35 === "string"){
if(!pattern7.test(data35)){
validate52.errors = [{instancePath:instancePath+"/versions/" + key4.replace(/~/g, "~0").replace(/\//g, "~1"),schemaPath:"#/properties/versions/additionalProperties/pattern",keyword:"pattern",params:{pattern: "^[ -~]{1,64}$"}}];
return false;
}
}
else {
validate52.errors = [{instancePath:instancePath+"/versions/" + key4.replace(/~/g, "~0").replace(/\//g, "~1"),schemaPath:"#/properties/versions/additionalProperties/type",keyword:"type",params:{type: "string"}}];
return false;
}
}
var valid22 = _errs76 === errors;
if(!valid22){
break;
}
}
}
if(_errs75 === errors){
if(data34.backend !== undefined){
let data36 = data34.backend;
if(!(((data36 === "tensorflow") || (data36 === "jax")) || (data36 === "torch"))){
validate52.errors = [{instancePath:instancePath+"/versions/backend",schemaPath:"#/properties/versions/properties/backend/enum",keyword:"enum",params:{allowedValues: schema19.properties.versions.properties.backend.enum}}];
return false;
}
}
}
}
}
}
else {
validate52.errors = [{instancePath:instancePath+"/versions",schemaPath:"#/properties/versions/type",keyword:"type",params:{type: "object"}}];
return false;
}
}
var valid3 = _errs72 === errors;
}
else {
var valid3 = true;
}
if(valid3){
if(data.parity !== undefined){
let data37 = data.parity;
const _errs79 = errors;
if(errors === _errs79){
if(data37 && typeof data37 == "object" && !Array.isArray(data37)){
let missing4;
if((data37.encoder === undefined) && (missing4 = "encoder")){
validate52.errors = [{instancePath:instancePath+"/parity",schemaPath:"#/properties/parity/required",keyword:"required",params:{missingProperty: missing4}}];
return false;
}
else {
const _errs81 = errors;
for(const key5 in data37){
if(!(((key5 === "encoder") || (key5 === "decoder")) || (key5 === "score"))){
validate52.errors = [{instancePath:instancePath+"/parity",schemaPath:"#/properties/parity/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key5}}];
return false;
break;
}
}
if(_errs81 === errors){
if(data37.encoder !== undefined){
const _errs82 = errors;
if(!(validate63(data37.encoder, {instancePath:instancePath+"/parity/encoder",parentData:data37,parentDataProperty:"encoder",rootData,dynamicAnchors}))){
vErrors = vErrors === null ? validate63.errors : vErrors.concat(validate63.errors);
errors = vErrors.length;
}
var valid24 = _errs82 === errors;
}
else {
var valid24 = true;
}
if(valid24){
if(data37.decoder !== undefined){
const _errs83 = errors;
if(!(validate63(data37.decoder, {instancePath:instancePath+"/parity/decoder",parentData:data37,parentDataProperty:"decoder",rootData,dynamicAnchors}))){
vErrors = vErrors === null ? validate63.errors : vErrors.concat(validate63.errors);
errors = vErrors.length;
}
var valid24 = _errs83 === errors;
}
else {
var valid24 = true;
}
if(valid24){
if(data37.score !== undefined){
const _errs84 = errors;
if(!(validate63(data37.score, {instancePath:instancePath+"/parity/score",parentData:data37,parentDataProperty:"score",rootData,dynamicAnchors}))){
vErrors = vErrors === null ? validate63.errors : vErrors.concat(validate63.errors);
errors = vErrors.length;
}
var valid24 = _errs84 === errors;
}
else {
var valid24 = true;
}
}
}
}
}
}
else {
validate52.errors = [{instancePath:instancePath+"/parity",schemaPath:"#/properties/parity/type",keyword:"type",params:{type: "object"}}];
return false;
}
}
var valid3 = _errs79 === errors;
}
else {
var valid3 = true;
}
if(valid3){
if(data.golden !== undefined){
let data41 = data.golden;
const _errs85 = errors;
const _errs87 = errors;
let valid25 = true;
const _errs88 = errors;
if(data41 && typeof data41 == "object" && !Array.isArray(data41)){
if(data41.kind !== undefined){
if("none" !== data41.kind){
const err6 = {};
if(vErrors === null){
vErrors = [err6];
}
else {
vErrors.push(err6);
}
errors++;
}
}
}
var _valid2 = _errs88 === errors;
errors = _errs87;
if(vErrors !== null){
if(_errs87){
vErrors.length = _errs87;
}
else {
vErrors = null;
}
}
let ifClause0;
if(_valid2){
const _errs90 = errors;
if(data41 && typeof data41 == "object" && !Array.isArray(data41)){
if(data41.rows !== undefined){
if(0 !== data41.rows){
validate52.errors = [{instancePath:instancePath+"/golden/rows",schemaPath:"#/properties/golden/then/properties/rows/const",keyword:"const",params:{allowedValue: 0}}];
return false;
}
}
}
var _valid2 = _errs90 === errors;
valid25 = _valid2;
if(valid25){
var props2 = {};
props2.rows = true;
props2.kind = true;
}
ifClause0 = "then";
}
else {
const _errs92 = errors;
if(data41 && typeof data41 == "object" && !Array.isArray(data41)){
if(data41.rows !== undefined){
let data44 = data41.rows;
if((typeof data44 == "number") && (isFinite(data44))){
if(data44 < 1 || isNaN(data44)){
validate52.errors = [{instancePath:instancePath+"/golden/rows",schemaPath:"#/properties/golden/else/properties/rows/minimum",keyword:"minimum",params:{comparison: ">=", limit: 1}}];
return false;
}
}
}
}
var _valid2 = _errs92 === errors;
valid25 = _valid2;
if(valid25){
if(props2 !== true){
props2 = props2 || {};
props2.rows = true;
}
}
ifClause0 = "else";
}
if(!valid25){
const err7 = {instancePath:instancePath+"/golden",schemaPath:"#/properties/golden/if",keyword:"if",params:{failingKeyword: ifClause0}};
if(vErrors === null){
vErrors = [err7];
}
else {
vErrors.push(err7);
}
errors++;
validate52.errors = vErrors;
return false;
}
if(errors === _errs85){
if(data41 && typeof data41 == "object" && !Array.isArray(data41)){
let missing5;
if(((data41.kind === undefined) && (missing5 = "kind")) || ((data41.rows === undefined) && (missing5 = "rows"))){
validate52.errors = [{instancePath:instancePath+"/golden",schemaPath:"#/properties/golden/required",keyword:"required",params:{missingProperty: missing5}}];
return false;
}
else {
const _errs94 = errors;
for(const key6 in data41){
if(!((key6 === "kind") || (key6 === "rows"))){
validate52.errors = [{instancePath:instancePath+"/golden",schemaPath:"#/properties/golden/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key6}}];
return false;
break;
}
}
if(_errs94 === errors){
if(data41.kind !== undefined){
let data45 = data41.kind;
const _errs95 = errors;
if(!(((data45 === "real") || (data45 === "synthetic")) || (data45 === "none"))){
validate52.errors = [{instancePath:instancePath+"/golden/kind",schemaPath:"#/properties/golden/properties/kind/enum",keyword:"enum",params:{allowedValues: schema19.properties.golden.properties.kind.enum}}];
return false;
}
var valid29 = _errs95 === errors;
}
else {
var valid29 = true;
}
if(valid29){
if(data41.rows !== undefined){
let data46 = data41.rows;
const _errs96 = errors;
if(!(((typeof data46 == "number") && (!(data46 % 1) && !isNaN(data46))) && (isFinite(data46)))){
validate52.errors = [{instancePath:instancePath+"/golden/rows",schemaPath:"#/properties/golden/properties/rows/type",keyword:"type",params:{type: "integer"}}];
return false;
}
if(errors === _errs96){
if((typeof data46 == "number") && (isFinite(data46))){
if(data46 > 1024 || isNaN(data46)){
validate52.errors = [{instancePath:instancePath+"/golden/rows",schemaPath:"#/properties/golden/properties/rows/maximum",keyword:"maximum",params:{comparison: "<=", limit: 1024}}];
return false;
}
else {
if(data46 < 0 || isNaN(data46)){
validate52.errors = [{instancePath:instancePath+"/golden/rows",schemaPath:"#/properties/golden/properties/rows/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
}
}
var valid29 = _errs96 === errors;
}
else {
var valid29 = true;
}
}
}
}
}
else {
validate52.errors = [{instancePath:instancePath+"/golden",schemaPath:"#/properties/golden/type",keyword:"type",params:{type: "object"}}];
return false;
}
}
var valid3 = _errs85 === errors;
}
else {
var valid3 = true;
}
if(valid3){
if(data.top_k !== undefined){
let data47 = data.top_k;
const _errs98 = errors;
if((!(data47 && typeof data47 == "object" && !Array.isArray(data47))) && (data47 !== null)){
validate52.errors = [{instancePath:instancePath+"/top_k",schemaPath:"#/properties/top_k/type",keyword:"type",params:{type: schema19.properties.top_k.type}}];
return false;
}
const _errs100 = errors;
let valid30 = true;
const _errs101 = errors;
if(data47 !== null){
const err8 = {};
if(vErrors === null){
vErrors = [err8];
}
else {
vErrors.push(err8);
}
errors++;
}
var _valid3 = _errs101 === errors;
errors = _errs100;
if(vErrors !== null){
if(_errs100){
vErrors.length = _errs100;
}
else {
vErrors = null;
}
}
if(!_valid3){
const _errs103 = errors;
if(!(validate67(data47, {instancePath:instancePath+"/top_k",parentData:data,parentDataProperty:"top_k",rootData,dynamicAnchors}))){
vErrors = vErrors === null ? validate67.errors : vErrors.concat(validate67.errors);
errors = vErrors.length;
}
var _valid3 = _errs103 === errors;
valid30 = _valid3;
}
if(!valid30){
const err9 = {instancePath:instancePath+"/top_k",schemaPath:"#/properties/top_k/if",keyword:"if",params:{failingKeyword: "else"}};
if(vErrors === null){
vErrors = [err9];
}
else {
vErrors.push(err9);
}
errors++;
validate52.errors = vErrors;
return false;
}
var valid3 = _errs98 === errors;
}
else {
var valid3 = true;
}
if(valid3){
if(data.int8 !== undefined){
let data48 = data.int8;
const _errs104 = errors;
if((!(data48 && typeof data48 == "object" && !Array.isArray(data48))) && (data48 !== null)){
validate52.errors = [{instancePath:instancePath+"/int8",schemaPath:"#/properties/int8/type",keyword:"type",params:{type: schema19.properties.int8.type}}];
return false;
}
const _errs106 = errors;
let valid31 = true;
const _errs107 = errors;
if(data48 !== null){
const err10 = {};
if(vErrors === null){
vErrors = [err10];
}
else {
vErrors.push(err10);
}
errors++;
}
var _valid4 = _errs107 === errors;
errors = _errs106;
if(vErrors !== null){
if(_errs106){
vErrors.length = _errs106;
}
else {
vErrors = null;
}
}
if(!_valid4){
const _errs109 = errors;
if(!(validate69(data48, {instancePath:instancePath+"/int8",parentData:data,parentDataProperty:"int8",rootData,dynamicAnchors}))){
vErrors = vErrors === null ? validate69.errors : vErrors.concat(validate69.errors);
errors = vErrors.length;
}
var _valid4 = _errs109 === errors;
valid31 = _valid4;
}
if(!valid31){
const err11 = {instancePath:instancePath+"/int8",schemaPath:"#/properties/int8/if",keyword:"if",params:{failingKeyword: "else"}};
if(vErrors === null){
vErrors = [err11];
}
else {
vErrors.push(err11);
}
errors++;
validate52.errors = vErrors;
return false;
}
var valid3 = _errs104 === errors;
}
else {
var valid3 = true;
}
if(valid3){
if(data.statistics !== undefined){
let data49 = data.statistics;
const _errs110 = errors;
if((!(data49 && typeof data49 == "object" && !Array.isArray(data49))) && (data49 !== null)){
validate52.errors = [{instancePath:instancePath+"/statistics",schemaPath:"#/properties/statistics/type",keyword:"type",params:{type: schema19.properties.statistics.type}}];
return false;
}
const _errs112 = errors;
let valid32 = true;
const _errs113 = errors;
if(data49 !== null){
const err12 = {};
if(vErrors === null){
vErrors = [err12];
}
else {
vErrors.push(err12);
}
errors++;
}
var _valid5 = _errs113 === errors;
errors = _errs112;
if(vErrors !== null){
if(_errs112){
vErrors.length = _errs112;
}
else {
vErrors = null;
}
}
if(!_valid5){
const _errs115 = errors;
if(!(validate84(data49, {instancePath:instancePath+"/statistics",parentData:data,parentDataProperty:"statistics",rootData,dynamicAnchors}))){
vErrors = vErrors === null ? validate84.errors : vErrors.concat(validate84.errors);
errors = vErrors.length;
}
var _valid5 = _errs115 === errors;
valid32 = _valid5;
}
if(!valid32){
const err13 = {instancePath:instancePath+"/statistics",schemaPath:"#/properties/statistics/if",keyword:"if",params:{failingKeyword: "else"}};
if(vErrors === null){
vErrors = [err13];
}
else {
vErrors.push(err13);
}
errors++;
validate52.errors = vErrors;
return false;
}
var valid3 = _errs110 === errors;
}
else {
var valid3 = true;
}
if(valid3){
if(data.files !== undefined){
let data50 = data.files;
const _errs116 = errors;
if(errors === _errs116){
if(data50 && typeof data50 == "object" && !Array.isArray(data50)){
let missing6;
if(((data50["README.md"] === undefined) && (missing6 = "README.md")) || ((data50["encoder.onnx"] === undefined) && (missing6 = "encoder.onnx"))){
validate52.errors = [{instancePath:instancePath+"/files",schemaPath:"#/properties/files/required",keyword:"required",params:{missingProperty: missing6}}];
return false;
}
else {
for(const key7 in data50){
const _errs118 = errors;
if(typeof key7 === "string"){
if(!pattern11.test(key7)){
const err14 = {instancePath:instancePath+"/files",schemaPath:"#/properties/files/propertyNames/pattern",keyword:"pattern",params:{pattern: "^[A-Za-z0-9_][A-Za-z0-9 ._-]{0,127}$"},propertyName:key7};
if(vErrors === null){
vErrors = [err14];
}
else {
vErrors.push(err14);
}
errors++;
}
}
var valid33 = _errs118 === errors;
if(!valid33){
const err15 = {instancePath:instancePath+"/files",schemaPath:"#/properties/files/propertyNames",keyword:"propertyNames",params:{propertyName: key7}};
if(vErrors === null){
vErrors = [err15];
}
else {
vErrors.push(err15);
}
errors++;
validate52.errors = vErrors;
return false;
break;
}
}
if(valid33){
for(const key8 in data50){
const _errs120 = errors;
if(!(validate90(data50[key8], {instancePath:instancePath+"/files/" + key8.replace(/~/g, "~0").replace(/\//g, "~1"),parentData:data50,parentDataProperty:key8,rootData,dynamicAnchors}))){
vErrors = vErrors === null ? validate90.errors : vErrors.concat(validate90.errors);
errors = vErrors.length;
}
var valid34 = _errs120 === errors;
if(!valid34){
break;
}
}
}
}
}
else {
validate52.errors = [{instancePath:instancePath+"/files",schemaPath:"#/properties/files/type",keyword:"type",params:{type: "object"}}];
return false;
}
}
var valid3 = _errs116 === errors;
}
else {
var valid3 = true;
}
if(valid3){
if(data.variants !== undefined){
const _errs121 = errors;
if(!(validate92(data.variants, {instancePath:instancePath+"/variants",parentData:data,parentDataProperty:"variants",rootData,dynamicAnchors}))){
vErrors = vErrors === null ? validate92.errors : vErrors.concat(validate92.errors);
errors = vErrors.length;
}
var valid3 = _errs121 === errors;
}
else {
var valid3 = true;
}
if(valid3){
if(data.score !== undefined){
const _errs122 = errors;
if(!(validate101(data.score, {instancePath:instancePath+"/score",parentData:data,parentDataProperty:"score",rootData,dynamicAnchors}))){
vErrors = vErrors === null ? validate101.errors : vErrors.concat(validate101.errors);
errors = vErrors.length;
}
var valid3 = _errs122 === errors;
}
else {
var valid3 = true;
}
if(valid3){
if(data.windows !== undefined){
const _errs123 = errors;
if(!(validate104(data.windows, {instancePath:instancePath+"/windows",parentData:data,parentDataProperty:"windows",rootData,dynamicAnchors}))){
vErrors = vErrors === null ? validate104.errors : vErrors.concat(validate104.errors);
errors = vErrors.length;
}
var valid3 = _errs123 === errors;
}
else {
var valid3 = true;
}
if(valid3){
if(data.rounding !== undefined){
const _errs124 = errors;
if(!(validate106(data.rounding, {instancePath:instancePath+"/rounding",parentData:data,parentDataProperty:"rounding",rootData,dynamicAnchors}))){
vErrors = vErrors === null ? validate106.errors : vErrors.concat(validate106.errors);
errors = vErrors.length;
}
var valid3 = _errs124 === errors;
}
else {
var valid3 = true;
}
}
}
}
}
}
}
}
}
}
}
}
}
}
}
}
}
}
}
}
}
}
}
}
}
}
}
}
}
}
}
}
}
else {
validate52.errors = [{instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}}];
return false;
}
}
validate52.errors = vErrors;
return errors === 0;
}
validate52.evaluated = {"props":true,"dynamicProps":false,"dynamicItems":false};

