"""Verify bundles on every Python, onnxruntime and processor that a device may have.

    python -m robustness.runtimes

Bundles are written here with Keras: float32 with a decoder, int8, and convolutions. Each row is a
Python, an onnxruntime and a numpy, from PyPI's wheels; `keras-sparse-export verify` must print
nothing on standard error. A Python that is not installed comes from Debian's packages, unpacked
into a folder. Those of aarch64 run in qemu-user (Debian's `qemu-user-static`), with an
`onnxruntime` and a `numpy` for aarch64.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

EXPORT = Path(__file__).parents[2] / "export"
SUITES = {"3.11": "bookworm", "3.13": "trixie", "3.14": "sid"}
"""The releases of Debian that have a Python."""
DEBIAN = {"x86_64": "amd64", "aarch64": "arm64"}
GLIBC = ("2_28", "2_27", "2_17")
"""Names of manylinux in onnxruntime's and numpy's wheels."""
CPUINFO = """processor\t: {}
BogoMIPS\t: 100.00
Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 cpuid
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x0
CPU part\t: 0xd03
CPU revision\t: 4

"""
"""A Cortex-A53. In a host's file of another processor onnxruntime finds no core, and crashes."""


class Row(NamedTuple):
    """One environment; an empty version is the newest that pip finds."""

    python: str
    machine: str
    onnxruntime: str = ""
    numpy: str = ""


ROWS = (
    Row("3.10", "x86_64", "1.15.1", "1.26.0"),
    Row("3.10", "x86_64"),
    Row("3.11", "x86_64", "1.15.1", "1.26.0"),
    Row("3.11", "x86_64"),
    Row("3.12", "x86_64", "1.17.0", "1.26.0"),
    Row("3.12", "x86_64"),
    Row("3.13", "x86_64", "1.20.0", "2.1.0"),
    Row("3.13", "x86_64"),
    Row("3.14", "x86_64", "1.24.1", "2.3.2"),
    Row("3.14", "x86_64"),
    Row("3.11", "aarch64", "1.15.1", "1.26.0"),
    Row("3.11", "aarch64"),
    Row("3.13", "aarch64"),
    Row("3.14", "aarch64"),
)


class Interpreter(NamedTuple):
    """A command that runs a Python, and the environment that it needs."""

    command: list[str]
    environment: dict[str, str]
    source: str


def find_interpreter(python: str, machine: str, work: Path) -> Interpreter:
    """Return an installed Python, or one of Debian's packages.

    Raises:
        LookupError: If neither Debian nor this machine has it.
    """
    if machine == os.uname().machine:
        pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
        found = [Path(f"python{python}"), *pyenv.glob(f"{python}.*/bin/python{python}")]
        for program in map(shutil.which, found):
            if program and subprocess.run([program, "-c", ""], capture_output=True).returncode == 0:
                return Interpreter([program], {}, "installed")
    if python not in SUITES:
        raise LookupError(f"no Python {python} for {machine}: neither installed nor in Debian")
    root = _unpack_python(python, machine, work)
    program = str(root / f"usr/bin/python{python}")
    source = f"Debian {SUITES[python]}"
    if machine == os.uname().machine:
        (loader,) = (root / "usr/lib64").glob("ld-linux-*.so.*")
        libraries = str(root / f"usr/lib/{machine}-linux-gnu")
        home = {"PYTHONHOME": str(root / "usr")}
        return Interpreter([str(loader), "--library-path", libraries, program], home, source)
    emulator = [f"qemu-{machine}-static", "-cpu", "cortex-a57", "-L", str(root)]
    return Interpreter([*emulator, program], {}, f"{source}, qemu-user")


def install_wheels(row: Row, work: Path) -> tuple[Path, dict[str, str]]:
    """Install onnxruntime and numpy into a folder; return it, and the versions.

    Raises:
        LookupError: If there are no such wheels.
    """
    site = work / f"site-{'-'.join(row)}"
    wanted = [f"{name}=={v}" if v else name for name, v in row._asdict().items() if name in NAMES]
    platforms = [f"--platform=manylinux_{glibc}_{row.machine}" for glibc in GLIBC]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(site)]
    choice = ["--only-binary=:all:", "--implementation=cp", f"--python-version={row.python}"]
    result = subprocess.run([*pip, *choice, *platforms, *wanted], capture_output=True, text=True)
    if result.returncode:
        raise LookupError(f"no wheels: {result.stderr.strip().splitlines()[-1]}")
    folders = [folder.name.removesuffix(".dist-info") for folder in site.glob("*.dist-info")]
    versions = dict(folder.split("-", 1) for folder in folders)
    return site, {name: versions[name] for name in NAMES}


NAMES = ("onnxruntime", "numpy")


def verify(bundles: list[Path], interpreter: Interpreter, site: Path) -> str:
    """Verify bundles in an environment; return the outcome in words."""
    command = [*interpreter.command, "-m", "keras_sparse_export.cli.main", "verify"]
    path = {"PYTHONPATH": f"{EXPORT}:{site}", "PYTHONDONTWRITEBYTECODE": "1"}
    environment = {**os.environ, **interpreter.environment, **path}
    worst = 0.0
    for bundle in bundles:
        result = subprocess.run(
            [*command, str(bundle)], env=environment, capture_output=True, text=True
        )
        if result.returncode or result.stderr:
            said = (result.stderr.strip() or "nothing on standard error").splitlines()[-1]
            return f"FAILS on {bundle.name}, status {result.returncode}: {said}"
        shares = re.findall(r"max \|Δ\| (\S+) \(allowed (\S+)\)", result.stdout)
        worst = max(worst, *(float(found) / float(allowed) for found, allowed in shares))
    return f"passes, largest |Δ| {worst:.2f} of the allowed"


def write_bundles(folder: Path) -> list[Path]:
    """Write bundles that have float32, a decoder, int8 and convolutions."""
    import keras
    import numpy as np
    from sklearn.datasets import load_digits

    from keras_sparse import L1, SparseAutoencoder
    from keras_sparse_export import export_encoder

    keras.utils.set_random_seed(0)
    rows = load_digits().data.astype(np.float32) / 16
    dense = SparseAutoencoder(64, 128, sparsity=L1(1e-3), activation="tanh")
    dense.compile("adam")
    dense.fit(rows, epochs=20, verbose=0)
    layers = keras.layers
    convolutional = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Resizing(12, 12, interpolation="nearest"),
            layers.Conv2D(8, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(32, activation="relu", name="code"),
        ]
    )
    images = rows.reshape(-1, 8, 8, 1)
    return [
        export_encoder(dense, folder / "dense", sample=rows, decoder=True, quantize="int8"),
        export_encoder(convolutional, folder / "convolutional", sample=images, layer="code"),
    ]


def _unpack_python(python: str, machine: str, work: Path) -> Path:
    """Download a Python with all that it needs from Debian, and unpack it beside the system."""
    root, state = work / f"python-{python}-{machine}", work / f"apt-{python}-{machine}"
    if root.exists():
        return root
    archives = state / "cache/archives"
    for folder in (state / "lists/partial", archives / "partial", root / "proc"):
        folder.mkdir(parents=True)
    source = f"deb {_find_mirror()} {SUITES[python]} main\n"
    (state / "sources.list").write_text(source)
    settings = {
        "APT::Architecture": DEBIAN[machine],
        "APT::Architectures::": DEBIAN[machine],
        "APT::Install-Recommends": "false",
        "Debug::NoLocking": "true",
        "Dir::Cache": state / "cache",
        "Dir::Etc::SourceList": state / "sources.list",
        "Dir::Etc::SourceParts": "-",
        "Dir::State::Lists": state / "lists",
        "Dir::State::status": "/dev/null",
    }
    apt = ["apt-get", "-qq", "-y", *(f"-o{name}={value}" for name, value in settings.items())]
    needed = [f"python{python}", "libstdc++6"]
    for command in ([*apt, "update"], [*apt, "--download-only", "install", *needed]):
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    for archive in archives.glob("*.deb"):
        subprocess.run(["dpkg", "-x", archive, root], check=True)
    if not (root / "lib").exists():  # a link of newer releases, made when a system is set up
        (root / "lib").symlink_to("usr/lib")
    if machine != os.uname().machine:  # qemu looks into the folder before it asks the host
        (root / "proc/cpuinfo").write_text("".join(CPUINFO.format(core) for core in range(2)))
    return root


def _find_mirror() -> str:
    """Return the address of Debian's packages that this machine uses."""
    fields = ["--format", "$(REPO_URI)", "Created-By: Packages"]
    command = ["apt-get", "indextargets", *fields, "Origin: Debian", "Label: Debian"]
    targets = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if not targets:
        raise LookupError("no packages of Debian. Remedy: apt-get update, on Debian")
    return targets.splitlines()[0]


def run(row: Row, bundles: list[Path], work: Path) -> list[str]:
    """Return the cells of a row of the table."""
    found: dict[str, str] = {name: getattr(row, name) or "newest" for name in NAMES}
    source = ""
    try:
        interpreter = find_interpreter(row.python, row.machine, work)
        source = f" ({interpreter.source})"
        site, found = install_wheels(row, work)
        outcome = verify(bundles, interpreter, site)
    except (LookupError, OSError, subprocess.CalledProcessError) as error:
        outcome = f"not tried: {error}"
    return [f"{row.python}{source}", row.machine, found["onnxruntime"], found["numpy"], outcome]


def main() -> None:
    """Print the table; end with status 1 if a row fails or was not tried."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--machine", choices=DEBIAN, help="only the rows of one machine")
    parser.add_argument("--python", help="only the rows of one Python, as 3.11")
    parser.add_argument("--bundle", type=Path, action="append", help="in place of those from Keras")
    options = parser.parse_args()
    outcomes = []
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        bundles = options.bundle or write_bundles(work)
        print(
            "| Python | machine | onnxruntime | numpy | golden rows |", "|---" * 5 + "|", sep="\n"
        )
        for row in ROWS:
            if options.machine in (None, row.machine) and options.python in (None, row.python):
                cells = run(row, bundles, work)
                print(f"| {' | '.join(cells)} |", flush=True)
                outcomes.append(cells[-1])
    sys.exit(not all(outcome.startswith("passes") for outcome in outcomes))


if __name__ == "__main__":
    main()
