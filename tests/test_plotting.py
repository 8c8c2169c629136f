import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
from colorspacious import cspace_convert
from IPython.core.interactiveshell import InteractiveShell
from matplotlib.colors import to_rgb

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


def test_titles_may_be_an_array():
    axes = plotting.show_images(IMAGES[:2], titles=np.array([3, 8]))
    assert [ax.get_title() for ax in axes.flat] == ["3", "8"]


def test_signed_images_are_white_at_zero():
    axes = plotting.show_images(np.array([[[0.0, 2.0]], [[-3.0, 1.0]]]), signed=True)
    for ax in axes.flat:
        assert drawn(ax).get_clim() == (-3, 3)
        assert drawn(ax).to_rgba(0.0)[:3] == pytest.approx([0.97] * 3, abs=0.02)


def test_one_missing_value_does_not_spoil_the_signed_scale():
    axes = plotting.show_images(np.array([[[np.nan, 2.0]]]), signed=True)
    assert drawn(axes[0, 0]).get_clim() == (-2, 2)


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


def test_an_eleventh_curve_is_drawn():
    ax = plotting.plot_history({str(i): [1.0 + i] for i in range(11)})
    assert len(ax.lines) == 11


def test_plot_codes_names_each_class_at_its_median():
    codes = np.array([[0, 0], [2, 0], [1, 5], [7, 7]], dtype=float)
    ax = plotting.plot_codes(codes, np.array([0, 0, 0, 1]), ["shoe", "bag", "absent"])
    assert {t.get_text(): t.get_position() for t in ax.texts} == {"shoe": (1, 0), "bag": (7, 7)}


def test_plot_codes_takes_what_becomes_an_array():
    ax = plotting.plot_codes([[0, 0], [2, 0]], [0, 1], ["shoe", "bag"])
    assert [text.get_text() for text in ax.texts] == ["shoe", "bag"]


@pytest.mark.parametrize("missing", [None, "deuteranomaly", "protanomaly"])
def test_class_colors_stay_apart_for_all_eyes(missing):
    colors = np.array([to_rgb(color) for color in plotting.CLASS_COLORS])
    if missing is not None:
        space = {"name": "sRGB1+CVD", "cvd_type": missing, "severity": 100}
        colors = np.clip(cspace_convert(colors, space, "sRGB1"), 0, 1)
    # In CAM02-UCS a step of 1 is just visible between patches side by side; tab10 has 1.6.
    assert smallest_distance(cspace_convert(colors, "sRGB1", "CAM02-UCS")) > 15


def test_class_colors_stay_apart_in_grey():
    colors = [to_rgb(color) for color in plotting.CLASS_COLORS]
    lightness = cspace_convert(colors, "sRGB1", "CIELab")[:, :1]
    assert smallest_distance(lightness) > 6


def smallest_distance(points):
    distances = np.linalg.norm(points[:, None] - points[None], axis=-1)
    return distances[np.triu_indices(len(points), k=1)].min()


def test_the_projector_switch_enlarges_figures_and_type(monkeypatch):
    sizes = {}
    for switch in ("0", "1"):
        monkeypatch.setenv("LABS_PROJECTOR", switch)
        with plt.rc_context():
            plotting.use_course_style()
            sizes[switch] = plt.rcParams["figure.dpi"], plt.rcParams["font.size"]
    assert sizes["0"][0] >= 110
    assert sizes["1"][0] > sizes["0"][0]
    assert sizes["1"][1] > sizes["0"][1]


@pytest.mark.parametrize(
    ("draw", "text"),
    [
        (
            lambda: plotting.show_images(IMAGES[:2], titles=["bag", "a\nshoe"]),
            "2 images: bag, a shoe.",
        ),
        (lambda: plotting.compare_images({"in": IMAGES, "out": IMAGES}), "12 .* rows in, out"),
        (lambda: plotting.plot_history({"loss": [2.0, 1.5]}), "training ends at 1.5"),
        (lambda: plotting.plot_codes(np.zeros((3, 2)), [1, 1, 1], ["a", "bag"]), "3 .* class: bag"),
        (lambda: plotting.plot_mosaic(IMAGES, columns=4), "3 by 4 images"),
    ],
)
def test_a_notebook_stores_each_figure_with_an_alternative_text(draw, text, monkeypatch):
    shell = InteractiveShell()
    monkeypatch.setattr(plotting, "get_ipython", lambda: shell)
    shell.display_formatter.active_types = ["image/png"]
    draw()
    data, metadata = shell.display_formatter.format(plt.gcf())
    assert data["image/png"].startswith(b"\x89PNG")
    assert re.search(text, metadata["image/png"]["alt"])


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
        (
            lambda: plotting.compare_images({"a": IMAGES[:3]}, axes=plt.subplots(1, 2)[1]),
            r"axes of shape \(1, 3\); got \(2,\)",
        ),
        (
            lambda: plotting.compare_images(
                {"a": IMAGES[:2], "b": IMAGES[:2]}, axes=plt.subplots(1, 2, squeeze=False)[1]
            ),
            r"axes of shape \(2, 2\); got \(1, 2\)",
        ),
        (
            lambda: plotting.compare_images(
                {"a": IMAGES[:2], "b": IMAGES[:2]}, axes=plt.subplots(2, 1, squeeze=False)[1]
            ),
            r"axes of shape \(2, 2\); got \(2, 1\)",
        ),
        (lambda: plotting.plot_mosaic(IMAGES, columns=5), "got 5 columns and 12"),
        (lambda: plotting.show_images(IMAGES, columns=0), "columns from 1; got 0"),
        (lambda: plotting.show_images(np.full((1, 4, 4), np.nan)), "only NaN"),
        (lambda: plotting.compare_images({}), "rows.*got {}"),
        (lambda: plotting.plot_history({}), "got {}"),
        (lambda: plotting.plot_history({"loss": []}), "loss per epoch"),
        (lambda: plotting.plot_codes(np.zeros((4, 3)), np.zeros(4), ["a"]), r"got \(4, 3\)"),
        (lambda: plotting.plot_codes(np.zeros((4, 2)), np.zeros(5), ["a"]), r"\(4, 2\).*\(5,\)"),
        (lambda: plotting.plot_codes(np.zeros((1, 2)), ["bag"], ["bag"]), "whole numbers; got"),
        (lambda: plotting.plot_codes(np.zeros((1, 2)), [2], ["a", "b"]), "0 to 1.*got 2 to 2"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
