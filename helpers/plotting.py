"""The look of the course, and the figures that several labs share.

Each function takes arrays, draws on the axes that it is given or makes its own, and returns them.
"""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator

# Okabe and Ito (2008), distinct for the colour-blind; black last, for baselines.
PALETTE = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
MARKERS = "os^Dv<>P*X"


def use_course_style() -> None:
    """Set matplotlib's defaults for this notebook: large type, few lines, safe colours."""
    plt.rcParams.update(
        {
            "axes.prop_cycle": cycler(color=PALETTE),
            "axes.spines.right": False,
            "axes.spines.top": False,
            "axes.titlesize": 13,
            "axes.labelsize": 12,
            "figure.constrained_layout.use": True,
            "figure.dpi": 72,
            "figure.figsize": (8, 4),
            "font.size": 12,
            "image.cmap": "gray",
            "image.interpolation": "nearest",
            "lines.linewidth": 2,
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
    if titles is not None and len(titles) != len(images):
        raise ValueError(f"expected {len(images)} titles, one an image; got {len(titles)}.")
    if axes is None:
        columns = min(columns, len(images))
        rows = -(-len(images) // columns)
        height = 1.15 if titles is None else 1.4
        _, axes = plt.subplots(rows, columns, figsize=(1.1 * columns, height * rows), squeeze=False)
    axes = np.asarray(axes)
    if axes.size < len(images):
        raise ValueError(f"expected {len(images)} axes or more; got {axes.size}.")
    limit = max(np.abs(images).max(), np.finfo(np.float32).tiny) if signed else 1
    scale = {"vmin": -limit, "cmap": "RdBu_r"} if signed else {"vmin": 0}
    for ax in axes.flat:
        ax.axis("off")
    for i, (ax, image) in enumerate(zip(axes.flat, images, strict=False)):
        ax.imshow(image, vmax=limit, **scale)
        if titles is not None:
            ax.set_title(titles[i], fontsize=11)
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
        If the rows differ in length.
    """
    lengths = {name: len(images) for name, images in rows.items()}
    if len(set(lengths.values())) != 1:
        raise ValueError(f"expected as many images in each row; got {lengths}.")
    columns = next(iter(lengths.values()))
    if axes is None:
        size = (1.1 * columns + 1.3, 1.15 * len(rows))
        _, axes = plt.subplots(len(rows), columns, figsize=size, squeeze=False)
    for row_axes, (name, images) in zip(axes, rows.items(), strict=True):
        show_images(images, axes=row_axes)
        row_axes[0].text(-0.1, 0.5, name, transform=row_axes[0].transAxes, ha="right", va="center")
    return axes


def plot_history(history: Mapping[str, Sequence[float]], *, ax: Axes | None = None) -> Axes:
    """Draw loss against epoch for each curve of a Keras history, named at its end.

    Parameters
    ----------
    history
        From a name ("loss", "val_loss", ...) to a value for each epoch.

    Returns
    -------
    Axes
        With a logarithmic y-axis: a straight fall is a loss that shrinks by the same share.
    """
    ax = plt.subplots()[1] if ax is None else ax
    lowest_first = sorted(history, key=lambda name: history[name][-1])
    for (name, losses), marker in zip(history.items(), MARKERS, strict=False):
        epochs = np.arange(1, len(losses) + 1)
        (line,) = ax.plot(epochs, losses, marker=marker)
        label = {"loss": "training", "val_loss": "validation"}.get(name, name)
        # Curves that end together would write over each other's names.
        side = "top" if name == lowest_first[0] else "bottom"
        color = line.get_color()
        ax.annotate(f"  {label}", (epochs[-1], losses[-1]), color=color, va=side)
    ax.set(xlabel="epoch", ylabel="loss (log scale)", yscale="log")
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_formatter("{x:g}")
    ax.margins(x=0.15, y=0.15)
    return ax


def plot_codes(
    codes: np.ndarray, labels: np.ndarray, class_names: Sequence[str], *, ax: Axes | None = None
) -> Axes:
    """Scatter two-dimensional codes, a colour and a marker a class, each class named.

    Parameters
    ----------
    codes
        Shape (n, 2).
    labels
        Shape (n,), from 0 to ``len(class_names) - 1``.

    Raises
    ------
    ValueError
        If the codes are not two-dimensional or not as many as the labels.
    """
    if codes.ndim != 2 or codes.shape[1] != 2 or len(codes) != len(labels):
        raise ValueError(
            f"expected codes of shape ({len(labels)}, 2), one for each label; got {codes.shape}."
        )
    ax = plt.subplots(figsize=(8, 6))[1] if ax is None else ax
    colors = plt.get_cmap("tab10").colors
    named = []
    for label, name in enumerate(class_names):
        mine = codes[labels == label]
        color, marker = colors[label % 10], MARKERS[label % 10]
        ax.scatter(*mine.T, s=12, color=color, marker=marker, alpha=0.5, linewidths=0)
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
        ax.text(x, y, name, ha="center", va="center", fontsize=11, bbox=box)
    return ax


def plot_mosaic(
    images: np.ndarray,
    *,
    columns: int,
    extent: tuple[float, float, float, float] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw many images as one picture, row by row from the top left, with no gaps.

    Parameters
    ----------
    images
        As for `show_images`, values in [0, 1]; a whole number of rows.
    columns
        Images in a row.
    extent
        (left, right, bottom, top) of the picture in the units of the axes, to draw codes over it.

    Raises
    ------
    ValueError
        If the images do not fill the last row.
    """
    images = _as_images(images)
    if len(images) % columns:
        raise ValueError(f"expected a multiple of {columns} images; got {len(images)}.")
    rows, height, width = len(images) // columns, *images.shape[1:]
    ax = plt.subplots(figsize=(0.6 * columns, 0.6 * rows))[1] if ax is None else ax
    grid = images.reshape(rows, columns, height, width).swapaxes(1, 2)
    ax.imshow(grid.reshape(rows * height, columns * width), vmin=0, vmax=1, extent=extent)
    if extent is None:
        ax.axis("off")
    return ax


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
    return images
