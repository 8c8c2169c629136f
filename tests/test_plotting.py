import matplotlib.pyplot as plt
import numpy as np
import pytest

from helpers import plotting

RNG = np.random.default_rng(0)
IMAGES = RNG.random((12, 28, 28, 1), dtype=np.float32)


@pytest.fixture(autouse=True)
def _no_windows():
    plt.switch_backend("agg")
    yield
    plt.close("all")


def drawn(ax):
    (image,) = ax.get_images()
    return image


def test_show_images_draws_each_image_once_on_one_scale():
    axes = plotting.show_images(IMAGES, columns=5, titles=[str(i) for i in range(12)])
    assert axes.shape == (3, 5)
    for ax, image in zip(axes.flat, IMAGES, strict=False):
        np.testing.assert_array_equal(drawn(ax).get_array(), image[..., 0])
        assert drawn(ax).get_clim() == (0, 1)
    assert [ax.get_title() for ax in axes.flat[:12]] == [str(i) for i in range(12)]
    assert not any(ax.axison for ax in axes.flat)


def test_signed_images_are_white_at_zero():
    axes = plotting.show_images(np.array([[[0.0, 2.0]], [[-3.0, 1.0]]]), signed=True)
    for ax in axes.flat:
        assert drawn(ax).get_clim() == (-3, 3)
        assert drawn(ax).to_rgba(0.0)[:3] == pytest.approx([0.97] * 3, abs=0.02)


def test_images_that_are_all_zero_can_be_drawn_signed():
    plotting.show_images(np.zeros((1, 4, 4)), signed=True)


def test_compare_images_names_each_row():
    axes = plotting.compare_images({"input": IMAGES[:4], "output": IMAGES[4:8]})
    assert axes.shape == (2, 4)
    assert [row[0].texts[0].get_text() for row in axes] == ["input", "output"]
    np.testing.assert_array_equal(drawn(axes[1, 2]).get_array(), IMAGES[6, ..., 0])


def test_plot_history_names_each_curve_at_its_end():
    ax = plotting.plot_history({"loss": [3.0, 2.0, 1.0], "val_loss": [3.0, 2.5, 2.4]})
    assert [text.get_text().strip() for text in ax.texts] == ["training", "validation"]
    assert ax.texts[1].xy == (3, 2.4)
    assert ax.get_yscale() == "log"
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), [1, 2, 3])


def test_plot_codes_names_each_class_at_its_median():
    codes = np.array([[0, 0], [2, 0], [1, 5], [7, 7]], dtype=float)
    ax = plotting.plot_codes(codes, np.array([0, 0, 0, 1]), ["shoe", "bag", "absent"])
    assert {t.get_text(): t.get_position() for t in ax.texts} == {"shoe": (1, 0), "bag": (7, 7)}


def test_plot_mosaic_puts_images_row_by_row():
    tiles = np.arange(6).reshape(6, 1, 1) / 5
    picture = drawn(plotting.plot_mosaic(np.tile(tiles, (1, 2, 3)), columns=3)).get_array()
    assert picture.shape == (4, 9)
    np.testing.assert_allclose(picture[::2, ::3], [[0, 0.2, 0.4], [0.6, 0.8, 1]])


def test_given_axes_are_used_and_returned():
    ax = plt.subplots()[1]
    assert plotting.plot_mosaic(IMAGES, columns=4, ax=ax) is ax
    assert plotting.plot_codes(np.zeros((1, 2)), np.zeros(1, int), ["a"], ax=ax) is ax
    assert plotting.plot_history({"loss": [1.0]}, ax=ax) is ax
    axes = plt.subplots(2, 2)[1]
    assert plotting.show_images(IMAGES[:3], axes=axes) is axes


def test_nothing_is_set_before_the_style_is_asked_for():
    before = dict(plt.rcParams)
    with plt.rc_context():
        plotting.use_course_style()
        colors = plt.rcParams["axes.prop_cycle"].by_key()["color"]
        assert colors == plotting.PALETTE
    assert dict(plt.rcParams) == before


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plotting.show_images(IMAGES[0, ..., 0]), r"got \(28, 28\)"),
        (lambda: plotting.show_images(IMAGES[:0]), r"n from 1; got \(0,"),
        (lambda: plotting.show_images(np.zeros((2, 4, 4, 3))), r"got \(2, 4, 4, 3\)"),
        (lambda: plotting.show_images(IMAGES, titles=["one"]), "12 titles.*got 1"),
        (lambda: plotting.show_images(IMAGES, axes=plt.subplots()[1]), "12 axes or more; got 1"),
        (lambda: plotting.compare_images({"a": IMAGES, "b": IMAGES[:3]}), "'a': 12, 'b': 3"),
        (lambda: plotting.plot_mosaic(IMAGES, columns=5), "multiple of 5 images; got 12"),
        (lambda: plotting.plot_codes(np.zeros((4, 3)), np.zeros(4), ["a"]), r"got \(4, 3\)"),
        (lambda: plotting.plot_codes(np.zeros((4, 2)), np.zeros(5), ["a"]), r"\(5, 2\).*\(4, 2\)"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
