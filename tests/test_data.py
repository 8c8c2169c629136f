import hashlib
import shutil
import urllib.request
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds

from helpers import data

FASHION_CLASSES = (
    "T-shirt/top, Trouser, Pullover, Dress, Coat, Sandal, Shirt, Sneaker, Bag, Ankle boot"
)


@pytest.fixture(scope="module")
def mnist():
    return data.load_mnist()


@pytest.fixture
def broken_data_dir(tmp_path, monkeypatch):
    """A copy of the smallest data set, to be damaged."""
    shutil.copytree(data.DATA_DIR / "ecg5000", tmp_path / "ecg5000")
    shutil.copy(data.DATA_DIR / "SHA256SUMS", tmp_path)
    monkeypatch.setattr(data, "DATA_DIR", tmp_path)
    return tmp_path


def counts(split):
    return np.bincount(split[1]).tolist()


def test_fashion_mnist_is_whole_and_split_evenly():
    fashion = data.load_fashion_mnist()
    assert ", ".join(fashion.class_names) == FASHION_CLASSES
    assert [counts(split) for split in fashion[:3]] == [[5_500] * 10, [500] * 10, [1_000] * 10]
    for images, labels in fashion[:3]:
        assert images.shape == (len(labels), 28, 28, 1)
        assert images.dtype == np.float32
        assert (images.min(), images.max()) == (0, 1)
    # The mean and deviation that are known of the 60,000 training images: 0.2860 and 0.3530.
    train = np.concatenate([fashion.train.images, fashion.valid.images])
    assert train.mean(dtype=float) == pytest.approx(0.2860, abs=5e-5)
    assert train.std(dtype=float) == pytest.approx(0.3530, abs=5e-5)


def test_mnist_10k_is_the_first_ten_thousand(mnist):
    total = np.sum([counts(split) for split in mnist[:3]], axis=0)
    assert total.tolist() == [1001, 1127, 991, 1032, 980, 863, 1014, 1070, 944, 978]
    assert [len(split.labels) for split in mnist[:3]] == [7_500, 1_000, 1_500]
    images = np.concatenate([split.images for split in mnist[:3]]).reshape(10_000, -1)
    assert len(np.unique(images, axis=0)) == 10_000
    # Each pixel is a byte over 255: rounding in the source lost nothing.
    np.testing.assert_allclose(images * 255, np.rint(images * 255), atol=1e-4)


def test_ecg5000_is_whole_with_the_archives_split():
    ecg = data.load_ecg5000(validation=50)
    assert counts(ecg.test) == [2627, 1590, 86, 175, 22]
    archive_train = np.concatenate([ecg.train.labels, ecg.valid.labels])
    assert np.bincount(archive_train).tolist() == [292, 177, 10, 19, 2]
    signals = np.concatenate([split.signals for split in ecg[:3]])
    assert (signals.shape, signals.dtype) == ((5_000, 140), np.float32)
    np.testing.assert_allclose(signals.mean(axis=1), 0, atol=1e-5)
    assert ecg.class_names[0] == "normal"


def test_tfds_reads_the_folder_without_our_code():
    (train, test), info = tfds.load(
        "ecg5000",
        data_dir=data.DATA_DIR,
        split=["train", "test"],
        as_supervised=True,
        with_info=True,
    )
    signal, label = next(iter(train))
    assert (signal.shape, int(label) in range(5)) == ((140,), True)
    assert (len(train), len(test)) == (500, 4_500)
    assert info.features["label"].num_classes == 5


def test_the_seed_decides_the_validation_split(mnist):
    again, other = data.load_mnist(), data.load_mnist(seed=1)
    np.testing.assert_array_equal(mnist.valid.images, again.valid.images)
    assert not np.array_equal(mnist.valid.images, other.valid.images)
    np.testing.assert_array_equal(mnist.test.images, other.test.images)


@pytest.mark.parametrize("size", [-1, 0, 9, 8_491, 100_000, 0.1, "500", True, None])
def test_an_impossible_validation_size_is_refused(size):
    with pytest.raises(ValueError, match="expected validation"):
        data.load_mnist(validation=size)


def test_the_smallest_validation_split_has_every_class():
    assert counts(data.load_mnist(validation=10).valid) == [1] * 10


def test_every_data_file_is_listed_and_intact():
    listed = {
        line.split()[1]
        for line in (data.DATA_DIR / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    }
    present = {path.relative_to(data.DATA_DIR).as_posix() for path in data.DATA_DIR.glob("*/*/*")}
    assert listed == present
    checked = sum(map(data.check_files, ("fashion_mnist", "mnist_10k", "ecg5000")))
    assert checked == len(listed)


@pytest.mark.parametrize(
    "sums", [b"", b"\n\n", b"0123 ecg5000\n", b"\xff\xfe\x00", b"a line of text\n"]
)
def test_a_damaged_list_of_sums_is_named(broken_data_dir, sums):
    (broken_data_dir / "SHA256SUMS").write_bytes(sums)
    with pytest.raises(OSError, match=r"SHA256SUMS.*restore"):
        data.load_ecg5000()


def test_another_version_beside_the_listed_one_is_not_read(broken_data_dir):
    (listed,) = (path for path in (broken_data_dir / "ecg5000").iterdir())
    shutil.copytree(listed, listed.with_name("9.0.0"))
    assert len(data.load_ecg5000().test.signals) == 4_500


def test_what_was_decoded_is_kept_and_a_damaged_one_is_made_anew(broken_data_dir):
    first = data.load_ecg5000()
    (kept,) = (broken_data_dir / ".decoded").iterdir()
    whole = kept.read_bytes()
    fewer_rows = whole.replace(b"(4500", b"(4400")
    listed = whole.index(b"PK\x01\x02") + 8
    with_a_password = whole[:listed] + b"\x01" + whole[listed + 1 :]
    damages = (whole[:-500], damage_one_bit(whole), b"", fewer_rows, with_a_password)
    for content in (whole, *damages):
        kept.write_bytes(content)
        again = data.load_ecg5000()
        np.testing.assert_array_equal(again.train.signals, first.train.signals)
        np.testing.assert_array_equal(again.test.labels, first.test.labels)
        assert again.class_names == first.class_names
    with np.load(kept) as arrays:
        altered = dict(arrays) | {"test_labels": arrays["test_labels"] * 0}
    np.savez(kept, **altered)
    assert not data.load_ecg5000().test.labels.any()  # read from what is kept
    assert [path.name for path in kept.parent.iterdir()] == [kept.name]


def test_a_folder_that_cannot_be_written_to_is_read_all_the_same(broken_data_dir):
    (broken_data_dir / ".decoded").write_text("in the way of the folder", encoding="utf-8")
    assert len(data.load_ecg5000().test.signals) == 4_500


def test_an_unknown_data_set_is_refused():
    with pytest.raises(ValueError, match=r"fashion_mnist.*got 'cifar'"):
        data.check_files("cifar")


def test_a_missing_file_is_named(broken_data_dir):
    next(broken_data_dir.rglob("*train.tfrecord*")).unlink()
    with pytest.raises(FileNotFoundError, match=r"ecg5000-train\S+ is missing; restore"):
        data.load_ecg5000()


def test_a_missing_folder_is_named(broken_data_dir):
    shutil.rmtree(broken_data_dir)
    with pytest.raises(FileNotFoundError, match=r"SHA256SUMS is missing; restore"):
        data.load_ecg5000()


def damage_truncate(content):
    return content[:-1]


def damage_one_bit(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def damage_empty(content):
    return b""


@pytest.mark.parametrize("damage", [damage_truncate, damage_one_bit, damage_empty])
@pytest.mark.parametrize("pattern", ["*test.tfrecord*", "features.json"])
def test_a_damaged_file_is_named(broken_data_dir, damage, pattern):
    file = next(broken_data_dir.rglob(pattern))
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(OSError, match=rf"{file.name}.*damaged or was altered.*restore"):
        data.load_ecg5000()


def empty_home(tmp_path, monkeypatch):
    home = tmp_path / "tensorflow_datasets"
    plain = tfds.builder

    def builder(name, **kwargs):
        return plain(name, **({"data_dir": home} | kwargs))

    monkeypatch.setattr(tfds, "builder", builder)
    return home


def test_without_network_full_mnist_says_so_at_once_and_leaves_nothing(tmp_path, monkeypatch):
    home = empty_home(tmp_path, monkeypatch)

    asked = []

    def refuse(request, timeout):
        asked.append((request.get_method(), timeout))
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    with pytest.raises(ConnectionError, match=r"does not answer.*no route.*use load_mnist\(\)"):
        data.load_mnist(full=True)
    assert asked == [("HEAD", 5)]  # TFDS, which would try for minutes, was not
    assert not home.exists()


class Answer:
    def close(self):
        pass


@pytest.mark.parametrize(
    ("error", "raised", "message"),
    [
        (OSError("connection reset"), ConnectionError, r"stopped \(connection reset\); connect"),
        (tfds.download.DownloadError("code 503"), ConnectionError, r"stopped \(code 503\)"),
        (OSError(28, "No space left on device"), OSError, "cannot be kept .*: make space"),
        (TypeError("a slip of ours"), TypeError, "^a slip of ours$"),
    ],
)
def test_a_download_that_breaks_off_leaves_nothing(tmp_path, monkeypatch, error, raised, message):
    home = empty_home(tmp_path, monkeypatch)
    monkeypatch.setattr(urllib.request, "urlopen", lambda request, timeout: Answer())

    def break_off(manager, urls):
        raise error

    monkeypatch.setattr(tfds.download.DownloadManager, "download_and_extract", break_off)
    with pytest.raises(raised, match=message) as caught:
        data.load_mnist(full=True)
    assert type(caught.value) is raised
    assert not any(home.iterdir())


def write_idx(folder: Path, count: int, prefix: str) -> tuple[Path, Path]:
    """Write images whose first byte is their label, in MNIST's own file format."""
    labels = (np.arange(count) % 10).astype(np.uint8)
    images = np.zeros((count, 784), np.uint8)
    images[:, 0] = labels
    images_file, labels_file = folder / f"{prefix}-images", folder / f"{prefix}-labels"
    images_file.write_bytes(bytes(16) + images.tobytes())
    labels_file.write_bytes(bytes(8) + labels.tobytes())
    return images_file, labels_file


def test_full_mnist_is_downloaded_once(tmp_path, monkeypatch):
    home = empty_home(tmp_path, monkeypatch)
    builder_class = type(tfds.builder("mnist"))
    sizes = {"num_examples": 40}
    train, test = (write_idx(tmp_path, 40, split) for split in ("train", "test"))
    downloads = []

    def download(manager, urls):
        downloads.append(urls)
        keys = ("train_data", "train_labels", "test_data", "test_labels")
        return dict(zip(keys, (*train, *test), strict=True))

    generate = builder_class._generate_examples
    monkeypatch.setattr(
        builder_class,
        "_generate_examples",
        lambda self, num_examples, **paths: generate(self, **sizes, **paths),
    )
    monkeypatch.setattr(urllib.request, "urlopen", lambda request, timeout: Answer())
    monkeypatch.setattr(tfds.download.DownloadManager, "download_and_extract", download)
    for _ in range(2):
        mnist = data.load_mnist(full=True, validation=10)
        assert [len(split.labels) for split in mnist[:3]] == [30, 10, 40]
        for images, labels in mnist[:3]:
            np.testing.assert_array_equal(np.rint(images[:, 0, 0, 0] * 255), labels)
    assert len(downloads) == 1
    assert [path.name for path in home.glob("mnist/*")] == ["3.0.1"]


def test_the_sources_are_checked(tmp_path):
    from runpy import run_path

    find_sources = run_path(str(data.DATA_DIR / "build.py"))["find_sources"]
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(b"not these")
    digest = hashlib.sha256(b"not these").hexdigest()
    with pytest.raises(SystemExit, match=rf"train-images.*found \['{digest}'\]"):
        find_sources(tmp_path)
