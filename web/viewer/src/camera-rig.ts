/**
 * The camera on its rails: it turns round a target, moves sideways and comes closer. Input sets a goal, frames approach it.
 * Pure numbers, no DOM: the same rig serves mouse, touch and keyboard.
 */
import { MathUtils, type PerspectiveCamera, Spherical, Vector3 } from "three";

/** Time in which two thirds of the way to the goal are done, in seconds. */
const SETTLE_S = 0.09;
/** Part of a radian, or of the distance, that no eye sees. */
const STILL = 0.0004;
const POLAR_MIN = 0.05;
const POLAR_MAX = Math.PI / 2 + 0.25;
/** Space round a fitted model, as a factor. */
const FIT_MARGIN = 1.14;
/** Points on the rim of the cylinder that a turning model fills. */
const RIM_POINTS = 24;

/** Where a model is: it turns within an upright cylinder. */
export interface Subject {
  centre: Vector3;
  /** Radius of the cylinder. */
  reach: number;
  halfHeight: number;
}

export class CameraRig {
  readonly #camera: PerspectiveCamera;
  readonly #goal = new Spherical(1, 1.18, 0.62);
  readonly #now = new Spherical(1, 1.18, 0.62);
  readonly #goalTarget = new Vector3();
  readonly #nowTarget = new Vector3();
  readonly #centre = new Vector3();
  #radius = 1;
  #fitDistance = 3;

  constructor(camera: PerspectiveCamera) {
    this.#camera = camera;
  }

  orbit(azimuth: number, polar: number): void {
    this.#goal.theta += azimuth;
    this.#goal.phi = MathUtils.clamp(this.#goal.phi + polar, POLAR_MIN, POLAR_MAX);
  }

  /** Moves the target in the picture's plane, in heights of the picture. */
  pan(right: number, up: number): void {
    const height = 2 * this.#goal.radius * Math.tan(MathUtils.degToRad(this.#camera.fov) / 2);
    const x = new Vector3().setFromMatrixColumn(this.#camera.matrix, 0).multiplyScalar(right * height);
    const y = new Vector3().setFromMatrixColumn(this.#camera.matrix, 1).multiplyScalar(up * height);
    this.#goalTarget.add(x).add(y);
    // The model must stay findable: the target never leaves its surroundings.
    const offset = this.#goalTarget.clone().sub(this.#centre).clampLength(0, this.#radius * 2);
    this.#goalTarget.copy(this.#centre).add(offset);
  }

  /** Multiplies the distance. Returns false when the end of the rail was already reached. */
  zoom(factor: number): boolean {
    const before = this.#goal.radius;
    this.#goal.radius = MathUtils.clamp(before * factor, this.#fitDistance * 0.15, this.#fitDistance * 4);
    return Math.abs(this.#goal.radius - before) > before * 1e-6;
  }

  /** Tells where the model is; the view does not move. */
  setSubject(subject: Subject): void {
    this.#centre.copy(subject.centre);
    this.#radius = Math.max(Math.hypot(subject.reach, subject.halfHeight), 1e-9);
    this.#fitDistance = this.#distanceFor(subject);
  }

  /** Distance from which the cylinder fills the picture: the model stays within it however it is turned. */
  #distanceFor(subject: Subject): number {
    const high = Math.tan(MathUtils.degToRad(this.#camera.fov) / 2);
    const wide = high * this.#camera.aspect;
    const away = new Vector3().setFromSphericalCoords(1, this.#goal.phi, 0);
    const up = new Vector3().setFromSphericalCoords(1, this.#goal.phi - Math.PI / 2, 0);
    let distance = this.#radius;
    for (let i = 0; i < RIM_POINTS * 2; i += 1) {
      const angle = (i / RIM_POINTS) * Math.PI * 2;
      const height = i < RIM_POINTS ? subject.halfHeight : -subject.halfHeight;
      const point = new Vector3(Math.sin(angle) * subject.reach, height, Math.cos(angle) * subject.reach);
      const sideways = Math.max(Math.abs(point.x) / wide, Math.abs(point.dot(up)) / high);
      distance = Math.max(distance, point.dot(away) + sideways * FIT_MARGIN);
    }
    return distance;
  }

  /** Aims at the whole model, from the present direction. */
  fit(): void {
    this.#goalTarget.copy(this.#centre);
    this.#goal.radius = this.#fitDistance;
  }

  /** Goes to the goal at once. */
  jump(): void {
    this.#now.copy(this.#goal);
    this.#nowTarget.copy(this.#goalTarget);
    this.#place();
  }

  /** Takes a step towards the goal. Returns true while there is way left. */
  step(seconds: number): boolean {
    const share = 1 - Math.exp(-seconds / SETTLE_S);
    this.#now.theta += (this.#goal.theta - this.#now.theta) * share;
    this.#now.phi += (this.#goal.phi - this.#now.phi) * share;
    this.#now.radius += (this.#goal.radius - this.#now.radius) * share;
    this.#nowTarget.lerp(this.#goalTarget, share);
    const moving =
      Math.abs(this.#goal.theta - this.#now.theta) > STILL ||
      Math.abs(this.#goal.phi - this.#now.phi) > STILL ||
      Math.abs(this.#goal.radius - this.#now.radius) > STILL * this.#goal.radius ||
      this.#nowTarget.distanceTo(this.#goalTarget) > STILL * this.#goal.radius;
    if (moving) this.#place();
    else this.jump();
    return moving;
  }

  #place(): void {
    this.#camera.position.setFromSpherical(this.#now).add(this.#nowTarget);
    this.#camera.lookAt(this.#nowTarget);
    // Planes follow the model's size, so that a ring and a warehouse both keep their depth precision.
    const reach = this.#now.radius + this.#nowTarget.distanceTo(this.#centre);
    this.#camera.near = Math.max(this.#now.radius - this.#radius * 4, reach / 400);
    this.#camera.far = reach + this.#radius * 8;
    this.#camera.updateProjectionMatrix();
    this.#camera.updateMatrixWorld();
  }
}
