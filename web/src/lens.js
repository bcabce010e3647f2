// The photograph's camera: where it stands, and its exact projection, off-centre principal point included.
import { Matrix4, PerspectiveCamera, Quaternion, Vector3 } from "three";

const NEAR = 0.02;
const FAR = 200;
// OpenCV cameras look along +Z with y down, three.js ones along -Z with y up.
const FLIP = new Matrix4().makeScale(1, -1, -1);

export class Lens {
  constructor(facts) {
    const [[fx, , cx], [, fy, cy]] = facts.camera.intrinsics;
    Object.assign(this, { fx, fy, cx, cy, width: facts.image.width, height: facts.image.height });
    this.camera = new PerspectiveCamera(50, 1, NEAR, FAR);
    this.pose = new Matrix4().set(...facts.camera.world_from_camera.flat()).multiply(FLIP);
    this.position = new Vector3().setFromMatrixPosition(this.pose);
    this.rotation = new Quaternion().setFromRotationMatrix(this.pose);
  }

  // The rectangle of the photograph in a canvas, as large as it fits, and the projection that goes with it.
  fit(width, height) {
    const scale = Math.min(width / this.width, height / this.height);
    const left = (width - this.width * scale) / 2;
    const top = (height - this.height * scale) / 2;
    const fx = this.fx * scale;
    const fy = this.fy * scale;
    const cx = left + this.cx * scale;
    const cy = top + this.cy * scale;
    const camera = this.camera;
    camera.fov = (2 * Math.atan(height / 2 / fy) * 180) / Math.PI;
    camera.aspect = width / height;
    const near = NEAR;
    camera.projectionMatrix.makePerspective(
      (-cx / fx) * near, ((width - cx) / fx) * near, (cy / fy) * near, (-(height - cy) / fy) * near, near, FAR,
    );
    camera.projectionMatrixInverse.copy(camera.projectionMatrix).invert();
    return { left, top, width: this.width * scale, height: this.height * scale };
  }

  // Corners of the photograph at a distance from the camera, world frame.
  corners(depth) {
    const corner = (u, v) =>
      new Vector3(((u - this.cx) / this.fx) * depth, (-(v - this.cy) / this.fy) * depth, -depth).applyMatrix4(this.pose);
    return [corner(0, 0), corner(this.width, 0), corner(this.width, this.height), corner(0, this.height)];
  }
}
