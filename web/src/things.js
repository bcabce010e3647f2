// One object of the scene: its real mesh, the box that can stand in for it, its looks.
import {
  Box3, BoxGeometry, BufferGeometry, Color, DoubleSide, EdgesGeometry, FrontSide, Group, LineBasicMaterial, LineSegments, Mesh,
  MeshBasicMaterial, MeshStandardMaterial, Vector3, WireframeGeometry,
} from "three";

export const ACCENT = new Color("#ffb454");
const BOX_LINE = new Color("#63d2ff");

const clay = (side) => new MeshStandardMaterial({ color: 0xb9b4ad, roughness: 0.9, side });
const CLAY = { [FrontSide]: clay(FrontSide), [DoubleSide]: clay(DoubleSide) };

export class Thing {
  constructor(node, facts) {
    this.node = node;
    this.facts = facts;
    this.visible = true;
    this.standIn = false;
    this.meshes = [];
    node.traverse((part) => { if (part.isMesh) this.meshes.push(part); });
    for (const mesh of this.meshes) mesh.userData.looks = looksOf(mesh.material);
    this.real = new Group();
    this.local = new Box3();
    node.updateWorldMatrix(true, true);
    for (const mesh of this.meshes) this.local.union(boundsIn(node, mesh));
  }

  get name() { return this.facts?.name ?? this.node.name; }

  // World-frame centre and half diagonal: what a camera must look at to see it whole.
  get sphere() {
    const centre = this.local.getCenter(new Vector3());
    const far = this.local.max.clone().applyMatrix4(this.node.matrixWorld);
    centre.applyMatrix4(this.node.matrixWorld);
    return { centre, radius: far.distanceTo(centre) };
  }

  // Box and outlines, made when they are first shown.
  extras() {
    if (this.box) return;
    const size = this.local.getSize(new Vector3());
    const shape = new BoxGeometry(Math.max(size.x, 1e-3), Math.max(size.y, 1e-3), Math.max(size.z, 1e-3));
    this.box = new Mesh(shape, new MeshStandardMaterial({ color: 0x8d99a8, roughness: 0.85 }));
    this.box.userData.thing = this;
    this.lines = new LineSegments(new EdgesGeometry(shape), new LineBasicMaterial({ color: BOX_LINE }));
    for (const part of [this.box, this.lines]) {
      part.position.copy(this.local.getCenter(new Vector3()));
      this.node.add(part);
    }
  }

  wires(shown) {
    if (shown && !this.wire) {
      this.wire = new Group();
      for (const mesh of this.meshes) {
        const material = new LineBasicMaterial({ color: 0x101418, transparent: true, opacity: 0.45 });
        const lines = new LineSegments(new WireframeGeometry(mesh.geometry), material);
        mesh.add(lines);
        (this.wireLines ??= []).push(lines);
      }
    }
    for (const lines of this.wireLines ?? []) lines.visible = shown;
  }

  // Bring it to what the view's settings and its own switches say.
  apply(settings, selected) {
    const standIn = this.facts && (this.standIn || settings.standIns);
    if (standIn || settings.boxes || selected) this.extras();
    this.node.visible = this.visible;
    this.wires(settings.wireframe && !standIn);
    for (const mesh of this.meshes) {
      mesh.material = settings.look === "clay" ? CLAY[mesh.userData.looks.side] : mesh.userData.looks[settings.look];
      mesh.layers.set(standIn ? 1 : 0);
      for (const lines of this.wireLines ?? []) lines.layers.set(0);
    }
    if (this.box) {
      this.box.visible = Boolean(standIn);
      this.lines.visible = Boolean(settings.boxes || selected || standIn);
      this.lines.material.color.copy(selected ? ACCENT : BOX_LINE);
    }
  }

  // What a ray may meet.
  get targets() {
    if (!this.visible) return [];
    return this.box?.visible ? [this.box] : this.meshes;
  }
}

function looksOf(material) {
  const photographed = new MeshBasicMaterial({
    map: material.map ?? null, color: material.color, side: material.side, vertexColors: material.vertexColors,
  });
  return { photographed, lit: material, side: material.side === DoubleSide ? DoubleSide : FrontSide };
}

function boundsIn(node, mesh) {
  mesh.geometry.computeBoundingBox();
  const toNode = node.matrixWorld.clone().invert().multiply(mesh.matrixWorld);
  return mesh.geometry.boundingBox.clone().applyMatrix4(toNode);
}

// Segments between points, drawn over everything.
export function overlaidLines(points, color) {
  const material = new LineBasicMaterial({ color, depthTest: false, transparent: true });
  const lines = new LineSegments(new BufferGeometry().setFromPoints(points), material);
  lines.renderOrder = 10;
  return lines;
}
