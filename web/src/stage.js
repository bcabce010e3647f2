// The stage: renderer, camera, lights, and what the user can do with the view.
import {
  BufferAttribute, BufferGeometry, Color, DirectionalLight, GridHelper, Group, HemisphereLight, Mesh, MeshBasicMaterial, Raycaster, Scene,
  SRGBColorSpace, Spherical, TextureLoader, Vector2, Vector3, WebGLRenderer, DoubleSide,
} from "three";
import { OrbitControls } from "three/addons/controls/OrbitControls.js";
import { Lens } from "./lens.js";
import { ACCENT, Thing, overlaidLines } from "./things.js";

const FLIGHT_MS = 450;
const FRUSTUM_M = 0.9;
const calm = window.matchMedia("(prefers-reduced-motion: reduce)");

export class Stage extends EventTarget {
  constructor(place, facts) {
    super();
    this.place = place;
    this.facts = facts;
    this.settings = {
      look: "photographed", wireframe: false, boxes: false, grid: false, names: false, standIns: false, blend: 0,
    };
    this.lens = new Lens(facts);
    this.renderer = new WebGLRenderer({ antialias: true, alpha: true });
    this.renderer.setPixelRatio(Math.min(window.devicePixelRatio, 2));
    this.canvas = this.renderer.domElement;
    this.canvas.className = "rv-canvas";
    this.canvas.tabIndex = 0;
    this.scene = new Scene();
    this.lights = new Group();
    const sun = new DirectionalLight(0xfff4e4, 1.9);
    sun.position.set(2, 5, 3);
    this.lights.add(new HemisphereLight(0xffffff, 0x9a8f80, 1.7), sun);
    this.scene.add(this.lights);
    this.photo = Object.assign(new Image(), { src: facts.photo, alt: "", className: "rv-photo", draggable: false });
    this.labels = Object.assign(document.createElement("div"), { className: "rv-labels" });
    this.labels.setAttribute("aria-hidden", "true");
    place.prepend(this.canvas, this.photo, this.labels);
    this.controls = new OrbitControls(this.lens.camera, this.canvas);
    this.controls.enableDamping = false;
    this.controls.minDistance = 0.05;
    this.controls.maxDistance = 40;
    // The photograph's camera may be rolled; it keeps its exact pose until somebody really moves it.
    this.controls.addEventListener("change", () => {
      this.leavePhoto();
      this.draw();
    });
    this.rays = new Raycaster();
    this.things = [];
    this.selected = null;
    this.markers = [];
    new ResizeObserver(() => this.resize()).observe(place);
  }

  show(tree) {
    this.scene.add(tree);
    this.tree = tree;
    // The file's light is estimated for renderers with bounces; here a sky and a sun show form.
    tree.traverse((node) => { if (node.isLight) node.visible = false; });
    for (const facts of this.facts.objects) {
      const node = tree.getObjectByName(facts.name);
      if (node) this.things.push(new Thing(node, facts));
    }
    const room = tree.getObjectByName("room");
    this.room = room ? new Thing(room, null) : null;
    this.addGrid();
    this.addFrustum();
    this.toPhoto(false);
    this.update();
  }

  addGrid() {
    this.grid = new GridHelper(12, 24, 0xffffff, 0xffffff);
    this.grid.position.y = 0.002;
    Object.assign(this.grid.material, { transparent: true, opacity: 0.28, depthWrite: false });
    this.scene.add(this.grid);
  }

  // The camera as a pyramid with the photograph on its base, seen when one orbits away.
  addFrustum() {
    const [a, b, c, d] = this.lens.corners(FRUSTUM_M / 2);
    const eye = this.lens.position;
    this.frustum = new Group();
    const geometry = new BufferGeometry().setFromPoints([a, b, c, d]);
    geometry.setIndex([0, 3, 1, 1, 3, 2]);
    geometry.setAttribute("uv", new BufferAttribute(new Float32Array([0, 1, 1, 1, 1, 0, 0, 0]), 2));
    const texture = new TextureLoader().load(this.facts.photo, () => this.draw());
    texture.colorSpace = SRGBColorSpace;
    const picture = new Mesh(geometry, new MeshBasicMaterial({ map: texture, side: DoubleSide, transparent: true, opacity: 0.85 }));
    const lines = overlaidLines([eye, a, eye, b, eye, c, eye, d, a, b, b, c, c, d, d, a], new Color("#8fa3b8"));
    lines.material.depthTest = true;
    this.frustum.add(picture, lines);
    this.scene.add(this.frustum);
  }

  thing(name) { return this.things.find((item) => item.name === name); }

  set(changes) {
    Object.assign(this.settings, changes);
    this.update();
  }

  select(name) {
    this.selected = name;
    this.update();
    this.dispatchEvent(new CustomEvent("selected", { detail: name }));
  }

  update() {
    const settings = this.settings;
    for (const item of this.things) item.apply(settings, item.name === this.selected);
    this.room?.apply({ ...settings, boxes: false, standIns: false }, false);
    if (this.grid) this.grid.visible = settings.grid;
    this.draw();
  }

  resize() {
    const { clientWidth: width, clientHeight: height } = this.place;
    if (!width || !height || (width === this.size?.width && height === this.size.height)) return;
    this.size = { width, height };
    this.renderer.setSize(width, height, false);
    this.frame = this.lens.fit(width, height);
    for (const side of ["left", "top", "width", "height"]) this.photo.style[side] = `${this.frame[side]}px`;
    this.draw();
  }

  draw() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.photo.style.opacity = this.atPhoto ? this.settings.blend : 0;
      // Near the photograph's camera its picture would fill the view.
      const away = this.lens.camera.position.distanceTo(this.lens.position) > FRUSTUM_M;
      if (this.frustum) this.frustum.visible = !this.atPhoto && away;
      this.renderer.render(this.scene, this.lens.camera);
      this.placeLabels();
      this.dispatchEvent(new Event("drawn"));
    });
  }

  // Labels of names and measures, as page elements over the picture.
  placeLabels() {
    const wanted = [...this.markers];
    for (const item of this.things) {
      const shown = item.visible && (this.settings.names || item.name === this.selected);
      if (shown) wanted.push({ text: item.name, at: item.sphere.centre, chosen: item.name === this.selected });
    }
    this.labels.replaceChildren(...wanted.map((label) => this.label(label)).filter(Boolean));
  }

  label({ text, at, chosen }) {
    const p = at.clone().project(this.lens.camera);
    if (p.z > 1 || Math.abs(p.x) > 1 || Math.abs(p.y) > 1) return null;
    const element = Object.assign(document.createElement("span"), { textContent: text, className: chosen ? "chosen" : "" });
    element.style.left = `${((p.x + 1) / 2) * 100}%`;
    element.style.top = `${((1 - p.y) / 2) * 100}%`;
    return element;
  }

  leavePhoto() {
    if (!this.atPhoto) return;
    this.atPhoto = false;
    this.dispatchEvent(new Event("left-photo"));
  }

  toPhoto(smooth = true) {
    const camera = this.lens.camera;
    const arrive = () => {
      camera.position.copy(this.lens.position);
      camera.quaternion.copy(this.lens.rotation);
      camera.updateMatrixWorld();
      this.controls.target.copy(this.focus());
      this.atPhoto = true;
      this.dispatchEvent(new Event("at-photo"));
      this.draw();
    };
    if (smooth && !this.atPhoto) this.fly(this.lens.position, this.lens.rotation, arrive);
    else arrive();
  }

  // What lies in the middle of the photograph: the point to turn about.
  focus() {
    const ahead = new Vector3(0, 0, -1).applyQuaternion(this.lens.rotation);
    this.rays.set(this.lens.position, ahead);
    const hit = this.rays.intersectObjects(this.solid(), false)[0];
    return this.lens.position.clone().addScaledVector(ahead, Math.min(hit?.distance ?? 3, 6));
  }

  look(position, target) {
    this.leavePhoto();
    const camera = this.lens.camera;
    const there = camera.clone();
    there.position.copy(position);
    there.lookAt(target);
    this.fly(position, there.quaternion, () => {
      camera.position.copy(position);
      this.controls.target.copy(target);
      this.controls.update();
    });
  }

  fly(position, rotation, arrive) {
    cancelAnimationFrame(this.flight);
    const camera = this.lens.camera;
    if (calm.matches) return arrive();
    const from = { position: camera.position.clone(), rotation: camera.quaternion.clone() };
    const began = performance.now();
    const step = (now) => {
      const t = Math.min(1, (now - began) / FLIGHT_MS);
      const eased = t * t * (3 - 2 * t);
      camera.position.lerpVectors(from.position, position, eased);
      camera.quaternion.slerpQuaternions(from.rotation, rotation, eased);
      this.draw();
      if (t < 1) this.flight = requestAnimationFrame(step);
      else arrive();
    };
    this.flight = requestAnimationFrame(step);
  }

  frameOn(sphere) {
    const camera = this.lens.camera;
    const distance = Math.max(0.4, (1.7 * sphere.radius) / Math.tan(((camera.fov / 2) * Math.PI) / 180));
    const away = camera.position.clone().sub(this.controls.target).normalize();
    this.look(sphere.centre.clone().addScaledVector(away, distance), sphere.centre);
  }

  frameSelected() {
    const item = this.thing(this.selected);
    if (item) this.frameOn(item.sphere);
  }

  top() {
    const { bounds_min: low, bounds_max: high, yaw_deg: yaw } = this.facts.room;
    const centre = new Vector3((low[0] + high[0]) / 2, 0, (low[2] + high[2]) / 2);
    centre.applyAxisAngle(new Vector3(0, 1, 0), (yaw * Math.PI) / 180);
    const reach = Math.max(high[0] - low[0], high[2] - low[2]);
    const height = (0.62 * reach) / Math.tan(((this.lens.camera.fov / 2) * Math.PI) / 180) + high[1] * 0.5;
    this.look(centre.clone().add(new Vector3(0, height, 0.02 * height)), centre);
  }

  turn(across, up) {
    this.leavePhoto();
    const camera = this.lens.camera;
    const place = new Spherical().setFromVector3(camera.position.clone().sub(this.controls.target));
    place.theta += across;
    place.phi = Math.min(Math.PI - 0.05, Math.max(0.05, place.phi + up));
    camera.position.setFromSpherical(place).add(this.controls.target);
    this.controls.update();
  }

  zoom(factor) {
    this.leavePhoto();
    const camera = this.lens.camera;
    camera.position.sub(this.controls.target).multiplyScalar(factor).add(this.controls.target);
    this.controls.update();
  }

  pan(across, up) {
    this.leavePhoto();
    const camera = this.lens.camera;
    const reach = camera.position.distanceTo(this.controls.target);
    const step = new Vector3(across * reach, up * reach, 0).applyQuaternion(camera.quaternion);
    camera.position.add(step);
    this.controls.target.add(step);
    this.controls.update();
  }

  solid() {
    const targets = this.things.flatMap((item) => item.targets);
    return this.room ? targets.concat(this.room.meshes) : targets;
  }

  // The first surface under a point of the canvas, (0, 0) upper left to (1, 1) lower right.
  hit(x, y) {
    // The observer may not have told of the size yet.
    this.resize();
    this.rays.setFromCamera(new Vector2(2 * x - 1, 1 - 2 * y), this.lens.camera);
    this.rays.layers.enableAll();
    const hit = this.rays.intersectObjects(this.solid(), false)[0];
    if (!hit) return null;
    const owner = this.things.find((item) => item.targets.includes(hit.object));
    return { point: hit.point, name: owner?.name ?? null };
  }

  // Lines and labels of the measuring tool.
  mark(pairs, pending) {
    if (this.ruler) this.scene.remove(this.ruler);
    this.ruler = new Group();
    const ends = pairs.flat().concat(pending ? [pending] : []);
    if (pairs.length) this.ruler.add(overlaidLines(pairs.flat(), ACCENT));
    for (const end of ends) {
      const s = 0.03;
      const cross = [[s, 0, 0], [-s, 0, 0], [0, s, 0], [0, -s, 0], [0, 0, s], [0, 0, -s]].map((v) => new Vector3(...v).add(end));
      this.ruler.add(overlaidLines(cross, ACCENT));
    }
    this.scene.add(this.ruler);
    this.markers = pairs.map(([one, two]) => ({
      text: metres(one.distanceTo(two)), at: one.clone().lerp(two, 0.5), chosen: true,
    }));
    this.draw();
  }

  picture() {
    this.renderer.render(this.scene, this.lens.camera);
    return this.canvas.toDataURL("image/png");
  }
}

export function metres(length) {
  return length < 1 ? `${(100 * length).toFixed(1)} cm` : `${length.toFixed(2)} m`;
}
