"""Build the course's data directory from three packages that carry the data.

    python data/build.py SOURCES

SOURCES is a folder in which the packages named in ``data/README.md`` were
unpacked (in any layout: files are found by name).  Each source file must have
the SHA-256 listed in ``data/SOURCES``.  The three data sets are written in a temporary
folder and moved into place only when all of them are complete; the same
sources and the same pinned TensorFlow Datasets give the same bytes.
"""

import hashlib
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import numpy as np
import tensorflow_datasets as tfds
from sklearn.model_selection import train_test_split
from tensorflow_datasets.core.example_serializer import ExampleSerializer
from tensorflow_datasets.image_classification.mnist import FashionMNIST

DATA_DIR = Path(__file__).parent

ECG_CLASSES = [
    "normal",
    "R-on-T premature ventricular contraction",
    "premature ventricular contraction",
    "supraventricular premature or ectopic beat",
    "unclassified",
]

Examples = Iterator[tuple[int, dict]]


def find_sources(folder: Path) -> dict[str, Path]:
    """Return the path of each source file in `folder`, or stop with what is wrong."""
    found = {}
    for line in (DATA_DIR / "SOURCES").read_text(encoding="utf-8").splitlines():
        expected, name = line.split()
        candidates = sorted(folder.rglob(name))
        digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in candidates]
        if expected not in digests:
            sys.exit(
                f"{name}: expected one file below {folder} with SHA-256 {expected}, "
                f"found {digests or 'none'}; see data/README.md for where it comes from."
            )
        found[name] = candidates[digests.index(expected)]
    return found


class Mnist10k(tfds.core.GeneratorBasedBuilder):
    """The first 10,000 training images of MNIST, in 8,500 for training and 1,500 for testing."""

    name = "mnist_10k"
    VERSION = tfds.core.Version("1.0.0")

    def __init__(self, *, sources: dict[str, Path], **kwargs):
        self.sources = sources
        super().__init__(**kwargs)

    def _info(self) -> tfds.core.DatasetInfo:
        return tfds.core.DatasetInfo(
            builder=self,
            description=(
                "The first 10,000 training images of the MNIST database of handwritten digits, "
                "shuffled with a fixed seed and split 8,500 / 1,500 by class."
            ),
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=(28, 28, 1)),
                    "label": tfds.features.ClassLabel(num_classes=10),
                }
            ),
            supervised_keys=("image", "label"),
            homepage="http://yann.lecun.com/exdb/mnist/",
            citation=(
                "@article{lecun1998gradient, title={Gradient-based learning applied to document "
                "recognition}, author={LeCun, Yann and Bottou, L\\'eon and Bengio, Yoshua and "
                "Haffner, Patrick}, journal={Proceedings of the IEEE}, volume={86}, number={11}, "
                "pages={2278--2324}, year={1998}}"
            ),
            license="CC BY-SA 3.0",
        )

    def _split_generators(self, dl_manager) -> dict[str, Examples]:
        images, labels = [], []
        for digit in range(10):
            pixels = json.loads(self.sources[f"{digit}.json"].read_text(encoding="utf-8"))["data"]
            # The package rounds k/255 to three decimals; this gives the bytes back exactly.
            pixels = np.rint(255 * np.array(pixels)).astype(np.uint8)
            images.append(pixels.reshape(-1, 28, 28, 1))
            labels.append(np.full(len(images[-1]), digit))
        images, labels = np.concatenate(images), np.concatenate(labels)
        train, test = train_test_split(
            np.arange(len(labels)), test_size=1_500, stratify=labels, random_state=0
        )
        return {
            split: ((int(i), {"image": images[i], "label": labels[i]}) for i in rows)
            for split, rows in {"train": train, "test": test}.items()
        }

    def _generate_examples(self) -> Examples:
        raise NotImplementedError("the splits are given as generators")


class Ecg5000(tfds.core.GeneratorBasedBuilder):
    """ECG5000: 5,000 heartbeats of one patient, with the archive's own split."""

    name = "ecg5000"
    VERSION = tfds.core.Version("1.0.0")

    def __init__(self, *, sources: dict[str, Path], **kwargs):
        self.sources = sources
        super().__init__(**kwargs)

    def _info(self) -> tfds.core.DatasetInfo:
        return tfds.core.DatasetInfo(
            builder=self,
            description=(
                "5,000 heartbeats of 140 samples each, cut from one 20-hour electrocardiogram of "
                "a patient with severe congestive heart failure (PhysioNet BIDMC record chf07), "
                "in five classes, with the UCR archive's own split."
            ),
            features=tfds.features.FeaturesDict(
                {
                    "signal": tfds.features.Tensor(shape=(140,), dtype=np.float32),
                    "label": tfds.features.ClassLabel(names=ECG_CLASSES),
                }
            ),
            supervised_keys=("signal", "label"),
            homepage="https://www.timeseriesclassification.com/description.php?Dataset=ECG5000",
            citation=(
                "@article{dau2019ucr, title={The UCR time series archive}, author={Dau, Hoang Anh "
                "and others}, journal={IEEE/CAA Journal of Automatica Sinica}, volume={6}, "
                "number={6}, pages={1293--1305}, year={2019}}"
            ),
            license="ODC-By 1.0",
        )

    def _split_generators(self, dl_manager) -> dict[str, Examples]:
        return {
            split: self._generate_examples(self.sources[f"ECG5000_{split.upper()}.tsv"])
            for split in ("train", "test")
        }

    def _generate_examples(self, path: Path) -> Examples:
        for i, row in enumerate(np.loadtxt(path, dtype=np.float32, delimiter="\t")):
            # The archive counts its classes from 1.
            yield i, {"signal": row[1:], "label": int(row[0]) - 1}


def build(sources: dict[str, Path], data_dir: Path) -> None:
    """Write the three data sets below `data_dir`, as TensorFlow Datasets keeps them."""

    def unpack_local(manager, urls: dict[str, str]) -> dict[str, Path]:
        # Stands in for the download: TFDS's own builder reads our copy of the same files.
        files = {key: sources[url.rsplit("/", 1)[-1]] for key, url in urls.items()}
        return manager.extract(files)

    def serialize_in_order(serializer, example: dict) -> bytes:
        # A protobuf map is written in any order, so plain TFDS gives other bytes on each run.
        return serializer.get_tf_example(example).SerializeToString(deterministic=True)

    with (
        mock.patch.object(tfds.download.DownloadManager, "download_and_extract", unpack_local),
        mock.patch.object(ExampleSerializer, "serialize_example", serialize_in_order),
        tempfile.TemporaryDirectory() as cache,
    ):
        for builder in (
            FashionMNIST(data_dir=data_dir, file_format="tfrecord"),
            Mnist10k(sources=sources, data_dir=data_dir, file_format="tfrecord"),
            Ecg5000(sources=sources, data_dir=data_dir, file_format="tfrecord"),
        ):
            builder.download_and_prepare(download_dir=cache)


def checksum_lines(data_dir: Path) -> str:
    """Return a line of SHA-256 and path for each data file, as ``sha256sum`` prints them."""
    lines = []
    for file in sorted(data_dir.glob("*/*/*")):
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        lines.append(f"{digest}  {file.relative_to(data_dir).as_posix()}\n")
    return "".join(lines)


def main(arguments: list[str]) -> None:
    """Build the data sets from the sources that the command line names."""
    if len(arguments) != 1:
        sys.exit(__doc__)
    sources = find_sources(Path(arguments[0]))
    with tempfile.TemporaryDirectory(dir=DATA_DIR) as scratch:
        built = Path(scratch)
        build(sources, built)
        checksums = checksum_lines(built)
        for dataset in ("fashion_mnist", "mnist_10k", "ecg5000"):
            shutil.rmtree(DATA_DIR / dataset, ignore_errors=True)
            (built / dataset).rename(DATA_DIR / dataset)
    (DATA_DIR / "SHA256SUMS").write_text(checksums, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
