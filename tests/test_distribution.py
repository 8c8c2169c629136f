"""The README's recipe for several devices, on a processor that TensorFlow takes for two."""

import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).resolve().parent.parent / "README.md"
TWO = """
import tensorflow as tf
processor = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)
import keras
keras.utils.set_random_seed(0)
"""
COMPARE = """
assert strategy.num_replicas_in_sync == DEVICES
print(model.evaluate(images, images, batch_size=1_000, verbose=0))
"""


def loss_after_training(devices):
    """Run the recipe on so many devices, with the same batches; return its loss."""
    (recipe,) = re.findall(
        r"```python\n(import keras\n.*?MirroredStrategy.*?)```",
        README.read_text(encoding="utf-8"),
        re.S,
    )
    names = [f"CPU:{i}" for i in range(devices)]
    for old, new in {
        "MirroredStrategy()": f"MirroredStrategy({names})",
        "load_fashion_mnist().train.images": "load_fashion_mnist().train.images[:4_096]",
        "128 * strategy.num_replicas_in_sync": "256",
        "epochs=3": "epochs=6, shuffle=False, verbose=0",
    }.items():
        assert old in recipe
        recipe = recipe.replace(old, new)
    code = TWO + recipe + COMPARE.replace("DEVICES", str(devices))
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return float(run.stdout)


def test_two_devices_give_what_one_gives():
    one, two = loss_after_training(1), loss_after_training(2)
    assert one < 0.06  # a mean image has 0.087
    assert abs(one - two) < 1e-4 * one
