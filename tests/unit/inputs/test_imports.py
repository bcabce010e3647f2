import subprocess
import sys


def test_reading_inputs_imports_nothing_heavy() -> None:
    code = (
        "import pkgutil, sys, regen3d.inputs as inputs\n"
        "for module in pkgutil.iter_modules(inputs.__path__):\n"
        "    __import__(f'regen3d.inputs.{module.name}')\n"
        "print(*sorted({'torch', 'cv2', 'scipy', 'trimesh', 'onnxruntime'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
