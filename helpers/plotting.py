"""The look of the course, and the figures that several labs share.

Each function takes arrays, draws on the axes that it is given or makes its own, and returns them.
It gives the figure an alternative text, which a notebook stores with the picture unless the cell
has a better one (`alt` in the cell's metadata).
"""

import os
from collections.abc import Mapping, Sequence
from itertools import cycle

import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from IPython import get_ipython
from IPython.core.pylabtools import print_figure
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

# Okabe and Ito (2008), distinct for the colour-blind; black last, for baselines.
PALETTE = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
# Ten for classes: each pair apart in hue or lightness, with red or green cones missing, and in
# grey (tests/test_plotting.py simulates all three).
CLASS_COLORS = [
    "#0E305B",
    "#95672A",
    "#19A9A9",
    "#964161",
    "#BCAF21",
    "#480017",
    "#BD58E2",
    "#75CBF7",
    "#DDD6BB",
    "#581DBF",
]
MARKERS = "os^Dv<>P*X"


def use_course_style() -> None:
    """Set matplotlib's defaults for this notebook: large type, few lines, safe colours.

    With the environment variable ``LABS_PROJECTOR=1`` figures and their type are larger still,
    to be read from the back of a lecture hall.
    """
    projector = os.environ.get("LABS_PROJECTOR", "0") not in ("", "0")
    plt.rcParams.update(
        {
            "axes.prop_cycle": cycler(color=PALETTE),
            "axes.spines.right": False,
            "axes.spines.top": False,
            "axes.titlesize": "medium",
            "axes.labelsize": "medium",
            "figure.constrained_layout.use": True,
            "figure.dpi": 160 if projector else 110,
            "figure.figsize": (8, 4),
            "font.size": 14 if projector else 12,
            "image.cmap": "gray",
            "image.interpolation": "nearest",
            "lines.linewidth": 3 if projector else 2,
        }
    )


def show_images(
    images: np.ndarray,
    *,
    titles: Sequence[str] | None = None,
    columns: int = 10,
    signed: bool = False,
    axes: np.ndarray | None = None,
) -> np.ndarray:
    """Draw images in a grid, all on the same scale.

    Parameters
    ----------
    images
        Shape (n, height, width) or (n, height, width, 1), values in [0, 1] unless `signed`.
    titles
        One for each image.
    columns
        Images in a row.
    signed
        Draw values of either sign, blue below zero, red above, white at zero.
    axes
        At least n axes to draw on, of any shape; made here if not given.

    Returns
    -------
    ndarray of Axes
        The axes, in the shape of the grid.

    Raises
    ------
    ValueError
        If the images are not images, or the titles or axes are not enough.
    """
    images = _as_images(images)
    titles = None if titles is None else list(titles)
    if titles is not None and len(titles) != len(images):
        raise ValueError(f"expected {len(images)} titles, one per image; got {len(titles)}.")
    if columns < 1:
        raise ValueError(f"expected columns from 1; got {columns}.")
    if axes is None:
        columns = min(columns, len(images))
        rows = -(-len(images) // columns)
        height = 1.15 if titles is None else 1.4
        _, axes = plt.subplots(rows, columns, figsize=(1.1 * columns, height * rows), squeeze=False)
    axes = np.asarray(axes)
    if axes.size < len(images):
        raise ValueError(f"expected {len(images)} axes or more; got {axes.size}.")
    _draw_images(images, axes, signed=signed)
    for ax, title in zip(axes.flat, titles or [], strict=False):
        ax.set_title(title, fontsize="small")
    names = ": " + ", ".join(" ".join(str(title).split()) for title in titles) if titles else ""
    _describe(axes.flat[0], f"{len(images)} images{names}.")
    return axes


def compare_images(rows: Mapping[str, np.ndarray], *, axes: np.ndarray | None = None) -> np.ndarray:
    """Draw rows of images one below another, each with its name at the left.

    Parameters
    ----------
    rows
        From a name to images as for `show_images`; each row has the same number of images.
    axes
        Axes of shape (rows, images); made here if not given.

    Returns
    -------
    ndarray of Axes
        Shape (rows, images).

    Raises
    ------
    ValueError
        If the rows differ in length, or the axes are of another shape.
    """
    rows = {name: _as_images(images) for name, images in rows.items()}
    lengths = {name: len(images) for name, images in rows.items()}
    if len(set(lengths.values())) != 1:
        raise ValueError(f"expected rows with as many images in each; got {lengths}.")
    columns = next(iter(lengths.values()))
    if axes is None:
        size = (1.1 * columns + 1.3, 1.15 * len(rows))
        _, axes = plt.subplots(len(rows), columns, figsize=size, squeeze=False)
    axes = np.asarray(axes)
    if axes.shape != (len(rows), columns):
        raise ValueError(f"expected axes of shape ({len(rows)}, {columns}); got {axes.shape}.")
    for row_axes, (name, images) in zip(axes, rows.items(), strict=True):
        _draw_images(images, row_axes)
        row_axes[0].text(-0.1, 0.5, name, transform=row_axes[0].transAxes, ha="right", va="center")
    _describe(axes.flat[0], f"{columns} images in each of the rows {', '.join(rows)}.")
    return axes


def plot_history(history: Mapping[str, Sequence[float]], *, ax: Axes | None = None) -> Axes:
    """Draw loss against epoch for each curve of a Keras history, named at its end.

    Parameters
    ----------
    history
        From a name ("loss", "val_loss", ...) to a value for each epoch.
    ax
        To draw on; made here if not given.

    Returns
    -------
    Axes
        With a logarithmic y-axis: a straight fall is a loss that shrinks by the same share.

    Raises
    ------
    ValueError
        If there is no curve, or one without a value.
    """
    if not history or not all(len(losses) for losses in history.values()):
        raise ValueError(f"expected a loss per epoch for each curve; got {dict(history)}.")
    ax = plt.subplots()[1] if ax is None else ax
    lowest_first = sorted(history, key=lambda name: history[name][-1])
    ends = []
    for (name, losses), marker in zip(history.items(), cycle(MARKERS), strict=False):
        epochs = np.arange(1, len(losses) + 1)
        (line,) = ax.plot(epochs, losses, marker=marker)
        label = {"loss": "training", "val_loss": "validation"}.get(name, name)
        # Curves that end together would write over each other's names.
        side = "top" if name == lowest_first[0] else "bottom"
        color = line.get_color()
        ax.annotate(f"  {label}", (epochs[-1], losses[-1]), color=color, va=side)
        ends.append(f"{label} ends at {losses[-1]:.3g}")
    ax.set(xlabel="epoch", ylabel="loss (log scale)", yscale="log")
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_formatter("{x:g}")
    ax.margins(x=0.15, y=0.15)
    _describe(ax, f"Loss against epoch: {', '.join(ends)}.")
    return ax


def plot_codes(
    codes: np.ndarray, labels: np.ndarray, class_names: Sequence[str], *, ax: Axes | None = None
) -> Axes:
    """Scatter two-dimensional codes, one colour and marker per class, each class named.

    Parameters
    ----------
    codes
        Shape (n, 2).
    labels
        Shape (n,), whole numbers from 0 to ``len(class_names) - 1``.
    class_names
        One for each class, to be written at the median of its codes.
    ax
        To draw on; made here if not given.

    Returns
    -------
    Axes
        With the codes, unlabelled: what their coordinates mean is the caller's to say.

    Raises
    ------
    ValueError
        If the codes are not two-dimensional, or the labels are not as many, not whole numbers,
        or beyond the class names.
    """
    codes, labels = np.asarray(codes), np.asarray(labels)
    if codes.ndim != 2 or codes.shape[1] != 2 or labels.shape != codes.shape[:1] or not len(codes):
        raise ValueError(
            f"expected codes of shape (n, 2) and labels of shape (n,), n from 1; "
            f"got {codes.shape} and {labels.shape}."
        )
    if not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"expected labels as whole numbers; got {labels.dtype}.")
    if labels.min() < 0 or labels.max() >= len(class_names):
        raise ValueError(
            f"expected labels from 0 to {len(class_names) - 1}, as there are {len(class_names)} "
            f"class names; got {labels.min()} to {labels.max()}."
        )
    ax = plt.subplots(figsize=(8, 6))[1] if ax is None else ax
    named = []
    for label, name in enumerate(class_names):
        mine = codes[labels == label]
        color = CLASS_COLORS[label % len(CLASS_COLORS)]
        marker = MARKERS[label % len(MARKERS)]
        # A thin edge keeps the light colours visible on white.
        ax.scatter(*mine.T, s=14, color=color, marker=marker, edgecolors="0.3", linewidths=0.2)
        if len(mine):
            named.append((*np.median(mine, axis=0), name, color))
    width, height = np.ptp(codes, axis=0)
    placed = []
    for x, y, name, color in sorted(named, key=lambda label: label[1]):
        # Classes that lie on one another would have their names so too: move up.
        below = [py for px, py in placed if abs(px - x) < 0.15 * width]
        y = max([y, *(py + 0.055 * height for py in below)])
        placed.append((x, y))
        box = {"facecolor": "white", "edgecolor": color, "alpha": 0.85, "pad": 2}
        ax.text(x, y, name, ha="center", va="center", fontsize="small", bbox=box)
    kinds = ", ".join(name for _, _, name, _ in named)
    _describe(ax, f"Scatter plot of {len(codes):,} two-dimensional codes, by class: {kinds}.")
    return ax


def plot_mosaic(images: np.ndarray, *, columns: int, ax: Axes | None = None) -> Axes:
    """Draw many images as one picture, row by row from the top left, with no gaps.

    Parameters
    ----------
    images
        As for `show_images`, values in [0, 1]; a whole number of rows.
    columns
        Images in a row.
    ax
        To draw on; made here if not given.

    Returns
    -------
    Axes
        With the picture; its own axes are hidden.

    Raises
    ------
    ValueError
        If the images do not fill the last row.
    """
    images = _as_images(images)
    if columns < 1 or len(images) % columns:
        raise ValueError(
            f"expected columns from 1 and a multiple of that many images; "
            f"got {columns} columns and {len(images)} images."
        )
    rows, height, width = len(images) // columns, *images.shape[1:]
    ax = plt.subplots(figsize=(0.6 * columns, 0.6 * rows))[1] if ax is None else ax
    grid = images.reshape(rows, columns, height, width).swapaxes(1, 2)
    ax.imshow(grid.reshape(rows * height, columns * width), vmin=0, vmax=1)
    ax.axis("off")
    _describe(ax, f"Mosaic of {rows} by {columns} images.")
    return ax


def _draw_images(images: np.ndarray, axes: np.ndarray, *, signed: bool = False) -> None:
    """Draw images (n, height, width) on as many of the axes, all on the same scale."""
    limit = max(np.nanmax(np.abs(images)), np.finfo(np.float32).tiny) if signed else 1
    scale = {"vmin": -limit, "cmap": "RdBu_r"} if signed else {"vmin": 0}
    for ax in axes.flat:
        ax.axis("off")
    for ax, image in zip(axes.flat, images, strict=False):
        ax.imshow(image, vmax=limit, **scale)


def _describe(ax: Axes, text: str) -> None:
    """Add `text` to the alternative text of the figure that `ax` belongs to."""
    figure = ax.figure
    figure.set_label(f"{figure.get_label()} {text}".strip())
    if shell := get_ipython():
        shell.display_formatter.formatters["image/png"].for_type(Figure, _png_with_text)


def _png_with_text(figure: Figure) -> tuple[bytes, dict[str, str]]:
    """Return what a notebook stores of a figure: the picture, and its metadata."""
    return print_figure(figure, fmt="png"), {"alt": figure.get_label()}


def _as_images(images: np.ndarray) -> np.ndarray:
    """Return images as (n, height, width), or raise a ValueError."""
    images = np.asarray(images)
    if images.ndim == 4 and images.shape[-1] == 1:
        images = images[..., 0]
    if images.ndim != 3 or not len(images):
        raise ValueError(
            f"expected images of shape (n, height, width) or (n, height, width, 1), n from 1; "
            f"got {images.shape}."
        )
    if np.isnan(images).all():
        raise ValueError("expected images of numbers; got only NaN.")
    return images
