"""USD files: valid by USD's own checkers, laid out as studios expect, and physical."""

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial import ConvexHull

from regen3d.export.formats import write_format
from regen3d.export.settings import ExportSettings
from regen3d.export.usd.physics import _outward, centroid, density_of
from regen3d.light.environment import exr_bytes, hdr_bytes
from tests.contracts.test_exporter_contract import example_light, example_scene
from tests.synthetic.exr import exr_pixels

pxr = pytest.importorskip("pxr", reason="needs usd-core")


def written(folder: Path, format: str = "usd", **settings: object) -> Path:
    for path, content in write_format(format, example_scene(), ExportSettings(**settings)).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("film"), lods=1) / "usd"


@pytest.fixture(scope="module")
def simready(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("simready"), profile="simready") / "usd"


@pytest.fixture(scope="module")
def usdz(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("usdz"), "usdz") / "scene.usdz"


def complaints(stage, *, packaged: bool) -> list[str]:
    """What the validators that usdchecker runs say; those of packages only for packages."""
    from pxr import UsdValidation

    registry = UsdValidation.ValidationRegistry()
    names = [known.name for known in registry.GetAllValidatorMetadata()]
    of_packages = {"usdUtilsValidators:UsdzPackageValidator", "usdUtilsValidators:RootPackageValidator"}
    of_packages |= {"usdUtilsValidators:FileExtensionValidator", "usdUtilsValidators:PackageEncapsulationValidator"}
    chosen = registry.GetOrLoadValidatorsByName([name for name in names if packaged or name not in of_packages])
    assert len(chosen) > 15
    errors = UsdValidation.ValidationContext(chosen).Validate(stage)
    return [f"{error.GetName()}: {error.GetMessage()}" for error in errors]


@pytest.mark.parametrize("which", ["film", "simready"])
def test_usd_checkers_have_nothing_to_say(which: str, request: pytest.FixtureRequest):
    from pxr import Usd

    folder = request.getfixturevalue(which)
    for path in [folder / "scene.usda", *folder.glob("assets/*/*.usda"), *folder.glob("assets/*/geo.usdc")]:
        assert complaints(Usd.Stage.Open(str(path)), packaged=False) == [], path.name


def test_a_package_opens_and_is_valid(usdz: Path):
    from pxr import Usd

    stage = Usd.Stage.Open(str(usdz))
    assert stage.GetPrimAtPath("/World/Objects/coffee_table_1/geo/coffee_table_1").IsValid()
    assert complaints(stage, packaged=True) == []


def test_stages_say_what_their_axes_and_units_are(film: Path, simready: Path):
    from pxr import Usd, UsdGeom, UsdPhysics

    for folder, up in ((film, "Y"), (simready, "Z")):
        for path in [*folder.rglob("*.usda"), *folder.rglob("*.usdc")]:
            stage = Usd.Stage.Open(str(path))
            assert UsdGeom.GetStageUpAxis(stage) == up, path
            assert UsdGeom.GetStageMetersPerUnit(stage) == UsdPhysics.GetStageKilogramsPerUnit(stage) == 1.0
            assert stage.GetDefaultPrim().IsValid()


def test_a_scene_is_an_assembly_of_components_behind_payloads(film: Path):
    from pxr import Kind, Usd

    stage = Usd.Stage.Open(str(film / "scene.usda"), Usd.Stage.LoadNone)
    assert Usd.ModelAPI(stage.GetDefaultPrim()).GetKind() == Kind.Tokens.assembly
    assert not stage.GetPrimAtPath("/World/Objects/chair_1/geo").IsValid()
    stage.Load()
    chair = stage.GetPrimAtPath("/World/Objects/chair_1")
    assert Usd.ModelAPI(chair).GetKind() == Kind.Tokens.component
    assert chair.IsModel()
    assert chair.GetDisplayName() == "chair-1"
    folder = film / "assets/chair_1"
    assert {path.name for path in folder.iterdir()} == {
        "chair_1.usda", "payload.usda", "geo.usdc", "mtl.usda", "physics.usda", "textures"
    }  # fmt: skip
    for layer in (film / "scene.usda", *folder.glob("*.usda")):
        paths = [part for part in layer.read_text().split("@")[1::2] if not part.startswith("regen3d")]
        assert all(path.startswith("./") for path in paths), layer


def test_variants_change_look_and_detail(film: Path):
    from pxr import Usd, UsdShade

    stage = Usd.Stage.Open(str(film / "assets/coffee_table_1/coffee_table_1.usda"))
    sets = stage.GetDefaultPrim().GetVariantSets()
    assert sorted(sets.GetVariantSet("look").GetVariantNames()) == ["baked", "relightable"]
    mesh = stage.GetPrimAtPath("/coffee_table_1/geo/coffee_table_1")
    bound = {}
    for look in ("baked", "relightable"):
        sets.GetVariantSet("look").SetVariantSelection(look)
        bound[look] = UsdShade.MaterialBindingAPI(mesh).ComputeBoundMaterial()[0].GetPath().name
    assert bound == {"baked": "coffee_table_1_baked", "relightable": "coffee_table_1_relightable"}


def test_bodies_have_convex_colliders_and_the_mass_of_their_volume(simready: Path):
    from pxr import Usd, UsdPhysics

    stage = Usd.Stage.Open(str(simready / "scene.usda"))
    table = stage.GetPrimAtPath("/World/Objects/coffee_table_1")
    assert table.HasAPI(UsdPhysics.RigidBodyAPI)
    # A box of 1 x 1.5 x 0.4, one and a half times as large in the scene, of a label without a density of its own.
    assert UsdPhysics.MassAPI(table).GetMassAttr().Get() == pytest.approx(0.6 * 1.5**3 * 400.0, rel=0.02)
    colliders = [prim for prim in stage.Traverse() if prim.HasAPI(UsdPhysics.MeshCollisionAPI)]
    names = {prim.GetName() for prim in colliders if prim.GetPath().HasPrefix(table.GetPath())}
    assert names
    assert all(name.startswith("piece_") for name in names)
    scene = UsdPhysics.Scene(stage.GetPrimAtPath("/World/PhysicsScene"))
    assert tuple(scene.GetGravityDirectionAttr().Get()) == (0.0, 0.0, -1.0)


def test_the_centre_of_mass_does_not_depend_on_where_corners_crowd():
    box = ConvexHull(np.array([[x, y, z] for x in (0, 2) for y in (0, 1) for z in (0, 3)], dtype=float))
    beside = np.random.default_rng(0).uniform([0, 0, 0], [0.2, 0.2, 0], (40, 3))
    corners = np.concatenate([box.points, beside])
    hull = ConvexHull(corners)
    assert centroid(corners, _outward(corners, hull)) == pytest.approx([1.0, 0.5, 1.5])


@pytest.mark.parametrize(
    ("label", "density"), [("sofa bed", 60.0), ("armchairs", 60.0), ("houseplant", 150.0), ("bedside table", 400.0)]
)
def test_density_goes_by_what_a_thing_is(label: str, density: float):
    assert density_of(label) == density


def test_the_camera_has_the_picture_as_its_plate_and_an_offset_aperture(film: Path):
    from pxr import Usd

    stage = Usd.Stage.Open(str(film / "scene.usda"))
    prim = stage.GetPrimAtPath("/World/Cameras/camera")
    assert Path(prim.GetAttribute("regen3d:plate").Get().resolvedPath).is_file()
    assert prim.GetAttribute("focalLength").Get() == pytest.approx(70 * 36 / 96)


def test_lights_are_the_environment_or_the_lamp(film: Path):
    from pxr import Usd, UsdLux

    stage = Usd.Stage.Open(str(film / "scene.usda"))
    found = {prim.GetName() for prim in stage.Traverse() if prim.HasAPI(UsdLux.LightAPI)}
    assert found == {"environment"}
    stage.GetPrimAtPath("/World/Lights").GetVariantSets().SetSelection("light", "key")
    lamp = next(prim for prim in stage.Traverse() if prim.HasAPI(UsdLux.LightAPI))
    ball = UsdLux.SphereLight(lamp)
    radiance = ball.GetIntensityAttr().Get() * np.array(ball.GetColorAttr().Get())
    sent = radiance * np.pi * ball.GetRadiusAttr().Get() ** 2
    np.testing.assert_allclose(sent, example_light().key_intensity, rtol=1e-5)


def test_light_files_hold_the_light():
    import cv2

    light = example_light().environment
    read = cv2.imdecode(np.frombuffer(hdr_bytes(light), np.uint8), cv2.IMREAD_UNCHANGED)[..., ::-1]
    # The three colours of a texel share an exponent.
    assert (np.abs(read - light) <= light.max(axis=2, keepdims=True) / 128).all()
    content = exr_bytes(light)
    assert content[:4] == bytes([0x76, 0x2F, 0x31, 0x01])
    np.testing.assert_allclose(exr_pixels(content), light, rtol=1e-3)
