"""The course's data sets as NumPy arrays, read through TensorFlow Datasets.

Fashion-MNIST, 10,000 images of MNIST, and ECG5000 lie in the repository's `data` folder, whose
`README.md` tells where they come from; nothing here uses the network but `load_mnist(full=True)`.
"""

import contextlib
import errno
import hashlib
import http.client
import os
import re
import tempfile
import urllib.request
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow_datasets as tfds
from sklearn.model_selection import train_test_split
from tensorflow_datasets.core.download.download_manager import NonMatchingChecksumError

# Beside this package, or where a shared installation keeps the data.
DATA_DIR = Path(os.environ.get("LABS_DATA") or Path(__file__).resolve().parent.parent / "data")
DATA_SETS = ("ecg5000", "fashion_mnist", "mnist_10k")
CURE = "restore the folder with `git checkout -- data`, or get a fresh copy of the course"
# What a network does to a download; some proxies answer with a page of their own.
DOWNLOAD_ERRORS = (OSError, tfds.download.DownloadError, NonMatchingChecksumError)
LISTED = re.compile(r"([0-9a-f]{64}) +(\S+)")


class ImageSplit(NamedTuple):
    """Images (n, 28, 28, 1), float32 in [0, 1], and their labels (n,), int64 from 0."""

    images: np.ndarray
    labels: np.ndarray


class ImageData(NamedTuple):
    """A data set of images in three splits that share no image, and the names of its classes."""

    train: ImageSplit
    valid: ImageSplit
    test: ImageSplit
    class_names: list[str]


class SignalSplit(NamedTuple):
    """Signals (n, 140), float32, and their labels (n,), int64 from 0."""

    signals: np.ndarray
    labels: np.ndarray


class EcgData(NamedTuple):
    """A data set of heartbeats in three splits that share no beat, and the names of its classes."""

    train: SignalSplit
    valid: SignalSplit
    test: SignalSplit
    class_names: list[str]


def load_fashion_mnist(*, validation: int = 5_000, seed: int = 0) -> ImageData:
    """Load Fashion-MNIST: 60,000 training and 10,000 test images of ten kinds of garment.

    Parameters
    ----------
    validation
        How many of the training images to set apart for validation, in equal class proportions.
    seed
        Which of them: the same seed gives the same split.

    Raises
    ------
    OSError
        If a data file is missing or is not the one that belongs there.
    ValueError
        If `validation` leaves a class without an image on either side.
    """
    return _image_data("fashion_mnist", DATA_DIR, validation, seed)


def load_mnist(*, full: bool = False, validation: int = 1_000, seed: int = 0) -> ImageData:
    """Load MNIST's handwritten digits: 8,500 training and 1,500 test images, or all of them.

    Parameters
    ----------
    full
        Load all 60,000 training and 10,000 test images instead.  The first time, they are
        downloaded (11 MB) to where TensorFlow Datasets keeps its data.
    validation, seed
        As for `load_fashion_mnist`.

    Raises
    ------
    ConnectionError
        If the full data set is not on this machine and cannot be downloaded.
    OSError, ValueError
        As for `load_fashion_mnist`.
    """
    if full:
        return _image_data("mnist", _prepare_full_mnist(), validation, seed)
    return _image_data("mnist_10k", DATA_DIR, validation, seed)


def load_ecg5000(*, validation: int = 100, seed: int = 0) -> EcgData:
    """Load ECG5000: 500 training and 4,500 test heartbeats of one patient, in five classes.

    The split is the archive's own.  Each signal is one beat of 140 samples, scaled by the
    archive to mean 0 and standard deviation 1.  Class 0 is the normal beat.

    Parameters
    ----------
    validation, seed
        As for `load_fashion_mnist`.

    Raises
    ------
    OSError, ValueError
        As for `load_fashion_mnist`.
    """
    signals, labels, class_names = _read("ecg5000", DATA_DIR)
    train, valid = _split_rows(labels["train"], validation, seed)
    return EcgData(
        train=SignalSplit(signals["train"][train], labels["train"][train]),
        valid=SignalSplit(signals["train"][valid], labels["train"][valid]),
        test=SignalSplit(signals["test"], labels["test"]),
        class_names=class_names,
    )


def check_files(name: str) -> int:
    """Compare each file of data set `name` with its SHA-256 in `data/SHA256SUMS`.

    Returns
    -------
    int
        How many files were compared; all of them are intact.

    Raises
    ------
    OSError
        If a file, or the list itself, is missing or is not the one that belongs there.
    ValueError
        If there is no data set of that name in the course.
    """
    ours = _listed(name)
    for path, digest in ours.items():
        file = DATA_DIR / path
        if not file.is_file():
            raise FileNotFoundError(f"{file} is missing; {CURE}.")
        try:
            content = file.read_bytes()
        except OSError as error:
            raise OSError(f"{file} cannot be read ({error.strerror}); {CURE}.") from error
        if hashlib.sha256(content).hexdigest() != digest:
            raise OSError(
                f"{file} ({len(content):,} bytes) is damaged or was altered: its SHA-256 is not "
                f"the one in SHA256SUMS; {CURE}."
            )
    return len(ours)


def _listed(name: str) -> dict[str, str]:
    """Return the SHA-256 of each file of a data set, by its path in the data folder."""
    if name not in DATA_SETS:
        raise ValueError(f"expected the name of a data set, one of {DATA_SETS}; got {name!r}.")
    sums = DATA_DIR / "SHA256SUMS"
    if not sums.is_file():
        raise FileNotFoundError(f"{sums} is missing; {CURE}.")
    try:
        lines = [line for line in sums.read_text(encoding="utf-8").splitlines() if line.strip()]
        listed = {path: digest for digest, path in map(_digest_and_path, lines)}
    except (OSError, ValueError) as error:
        raise OSError(f"{sums} cannot be read ({error}); {CURE}.") from error
    ours = {path: digest for path, digest in listed.items() if path.startswith(f"{name}/")}
    if not ours:
        raise OSError(f"{sums} has no line for {name}: it was cut short; {CURE}.")
    return ours


def _digest_and_path(line: str) -> tuple[str, str]:
    if found := LISTED.fullmatch(line.strip()):
        return found[1], found[2]
    raise ValueError(f"expected a SHA-256 and a path; got the line {line[:80]!r}")


def _image_data(name: str, data_dir: Path, validation: int, seed: int) -> ImageData:
    pixels, labels, class_names = _read(name, data_dir)
    train, valid = _split_rows(labels["train"], validation, seed)
    return ImageData(
        train=ImageSplit(_to_unit_range(pixels["train"][train]), labels["train"][train]),
        valid=ImageSplit(_to_unit_range(pixels["train"][valid]), labels["train"][valid]),
        test=ImageSplit(_to_unit_range(pixels["test"]), labels["test"]),
        class_names=class_names,
    )


def _read(name: str, data_dir: Path) -> tuple[dict, dict, list[str]]:
    """Return inputs and labels, each by split, and the class names.

    To decode 60,000 pictures takes seconds, so what was decoded from the course's data is kept in
    `data/.decoded`, if that can be written to.
    """
    if data_dir != DATA_DIR:
        return _decode(name, data_dir)
    check_files(name)
    listed = _listed(name)
    version = next(iter(listed)).split("/")[1]
    # Other files, another name: what is kept is never older than what it was decoded from.
    key = hashlib.sha256("".join(sorted(listed.values())).encode()).hexdigest()[:12]
    kept = DATA_DIR / ".decoded" / f"{name}-{key}.npz"
    try:
        # NumPy reads what an array's header says, and may miss the CRC at the end of the array.
        with zipfile.ZipFile(kept) as pack:
            damaged = pack.testzip()
        if not damaged:
            with np.load(kept, allow_pickle=False) as arrays:
                inputs = {split: arrays[f"{split}_inputs"] for split in ("train", "test")}
                labels = {split: arrays[f"{split}_labels"] for split in ("train", "test")}
                return inputs, labels, arrays["class_names"].tolist()
    except Exception:  # not there yet, or damaged, for which there are errors of many kinds
        pass
    inputs, labels, class_names = _decode(f"{name}:{version}", data_dir)
    with contextlib.suppress(OSError):
        _keep(kept, inputs, labels, class_names)
    return inputs, labels, class_names


def _decode(name: str, data_dir: Path) -> tuple[dict, dict, list[str]]:
    """Return inputs and labels, each by split, and the class names, read by TFDS."""
    datasets, info = tfds.load(
        name,
        data_dir=data_dir,
        download=False,
        as_supervised=True,
        with_info=True,
        batch_size=-1,
    )
    arrays = tfds.as_numpy(datasets)
    inputs = {split: pair[0] for split, pair in arrays.items()}
    labels = {split: pair[1] for split, pair in arrays.items()}
    return inputs, labels, info.features["label"].names


def _keep(path: Path, inputs: dict, labels: dict, class_names: list[str]) -> None:
    """Write what was decoded, wholly or not at all."""
    path.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
        half = Path(scratch) / path.name
        arrays = {f"{split}_inputs": values for split, values in inputs.items()}
        arrays |= {f"{split}_labels": values for split, values in labels.items()}
        np.savez(half, class_names=np.array(class_names), **arrays)
        half.replace(path)


def _split_rows(labels: np.ndarray, validation: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows for training and for validation, in equal class proportions."""
    classes, most = len(np.unique(labels)), len(labels)
    if isinstance(validation, bool) or not isinstance(validation, int | np.integer):
        raise ValueError(f"expected validation as a whole number; got {validation!r}.")
    if not classes <= validation <= most - classes:
        raise ValueError(
            f"expected validation from {classes} to {most - classes:,}, so that each of the "
            f"{classes} classes is on either side; got {validation:,}."
        )
    rows = np.arange(len(labels))
    return train_test_split(rows, test_size=validation, stratify=labels, random_state=seed)


def _to_unit_range(pixels: np.ndarray) -> np.ndarray:
    return np.divide(pixels, 255, dtype=np.float32)


def _prepare_full_mnist() -> Path:
    """Return the folder where TensorFlow Datasets holds the whole of MNIST, filled if need be."""
    builder = tfds.builder("mnist")
    target = Path(builder.data_dir)
    home = target.parent.parent
    if (target / "dataset_info.json").is_file():
        return home
    url = f"{builder.URL}train-images-idx3-ubyte.gz"
    advice = "connect to the network and try again, or use load_mnist(), which needs none"
    try:
        # TFDS alone would try for minutes before it says that there is no network.
        urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=5).close()
    except (OSError, ValueError, http.client.HTTPException) as error:  # also of a wrong proxy
        raise ConnectionError(
            f"the full MNIST is not on this machine and {url} does not answer ({error}); {advice}."
        ) from error
    try:
        home.mkdir(parents=True, exist_ok=True)
        # In the folder where it will stay: two downloads at once do not meet.
        with tempfile.TemporaryDirectory(dir=home, prefix="mnist-") as scratch:
            fresh = tfds.builder("mnist", data_dir=scratch, file_format="tfrecord")
            try:
                fresh.download_and_prepare(download_dir=Path(scratch) / "downloads")
            except DOWNLOAD_ERRORS as error:
                if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
                    raise  # a matter of space, see below
                message = f"the download of MNIST stopped ({error}); {advice}."
                raise ConnectionError(message) from error
            target.parent.mkdir(exist_ok=True)
            try:
                Path(fresh.data_dir).rename(target)  # also over an empty folder
            except OSError:
                if not (target / "dataset_info.json").is_file():  # by another download
                    raise
    except ConnectionError:
        raise
    except OSError as error:
        raise OSError(
            f"the full MNIST cannot be kept in {home} ({error.strerror or error}): make space or "
            "get the permission to write there, or use load_mnist(), which needs neither."
        ) from error
    return home
