/** The picture: renders outputs with three.js, on demand only, and keeps the last good model until the next one is complete. */
import {
  Box3,
  type BufferGeometry,
  Group,
  type Material,
  Mesh,
  NeutralToneMapping,
  PCFShadowMap,
  PerspectiveCamera,
  PlaneGeometry,
  Scene,
  ShadowMaterial,
  type Texture,
  Timer,
  Vector3,
  WebGLRenderer,
} from "three";
import { GLTFLoader } from "three/examples/jsm/loaders/GLTFLoader.js";
import { CameraRig, type Subject } from "./camera-rig.js";
import { ContactShadow } from "./contact-shadow.js";
import { listenForGestures } from "./gestures.js";
import type { Look } from "./look.js";
import { aimKeyLight, createKeyLight, createStudioEnvironment } from "./studio.js";

/** An output to show. The version decides whether it is loaded again; `load` gives its GLB files. */
export interface ViewportItem {
  id: string;
  version: string;
  load: (signal: AbortSignal) => Promise<ArrayBuffer[]>;
}

interface Shown {
  version: string;
  group: Group;
}

/** More device pixels than this cost time and show nothing. */
const PIXEL_RATIO_MAX = 2;
/** Longest step of the camera, so that a page that slept does not leap. */
const FRAME_S_MAX = 0.05;
/** Layer of transparent meshes. */
const CLEAR_LAYER = 1;
/** A change of the model's size by this factor brings the camera back to fit. */
const REFIT_FACTOR = 1.02;

export class Viewport {
  readonly canvas: HTMLCanvasElement;
  readonly #element: HTMLElement;
  readonly #renderer: WebGLRenderer;
  readonly #scene = new Scene();
  readonly #camera = new PerspectiveCamera(32, 1, 0.1, 100);
  readonly #rig = new CameraRig(this.#camera);
  readonly #model = new Group();
  readonly #floor = new Mesh(new PlaneGeometry(1, 1), new ShadowMaterial({ opacity: 0.11, depthWrite: false }));
  readonly #contact = new ContactShadow();
  readonly #key = createKeyLight();
  readonly #loader = new GLTFLoader();
  readonly #shown = new Map<string, Shown>();
  /** Models that were replaced; freed after the next frame, so that shader programs pass on to their successors. */
  readonly #retired: Group[] = [];
  readonly #timer = new Timer();
  readonly #ended = new AbortController();
  readonly #resized: ResizeObserver;
  readonly #calm = matchMedia("(prefers-reduced-motion: reduce)");
  #environment: Texture | undefined;
  #frame = 0;
  #movedByHand = false;
  #subject: Subject | undefined;
  #radius = 0;
  #showing: AbortController | undefined;
  #groundIsStale = false;

  /**
   * Fills an element with the picture.
   *
   * # Errors
   * Throws when the browser has no WebGL 2.
   */
  constructor(element: HTMLElement) {
    this.#element = element;
    this.#renderer = new WebGLRenderer({ antialias: true, alpha: true, powerPreference: "high-performance" });
    this.#renderer.toneMapping = NeutralToneMapping;
    this.#renderer.toneMappingExposure = 1;
    this.#renderer.shadowMap.enabled = true;
    this.#renderer.shadowMap.type = PCFShadowMap;
    this.#renderer.shadowMap.autoUpdate = false;
    this.#camera.layers.enable(CLEAR_LAYER);
    this.canvas = this.#renderer.domElement;
    this.canvas.style.display = "block";
    // Vertical strokes of a finger scroll the page, all others turn the model.
    this.canvas.style.touchAction = "pan-y";
    this.#floor.rotation.x = -Math.PI / 2;
    this.#floor.receiveShadow = true;
    this.#floor.visible = false;
    this.#floor.renderOrder = -2;
    this.#scene.add(this.#model, this.#floor, this.#contact.group, this.#key, this.#key.target);
    this.#lightUp();
    element.append(this.canvas);
    this.#listen();
    this.#resized = new ResizeObserver(() => this.#resize());
    this.#resized.observe(element);
    this.#resize();
  }

  /**
   * Shows exactly these outputs. Only changed versions are loaded; the swap happens in one frame, when all are ready.
   * A newer call, or the signal, ends an older one with an `AbortError`.
   */
  async show(items: readonly ViewportItem[], outer?: AbortSignal): Promise<void> {
    this.#showing?.abort(new DOMException("A newer model replaced this one", "AbortError"));
    const showing = new AbortController();
    this.#showing = showing;
    const signal = AbortSignal.any([showing.signal, this.#ended.signal, ...(outer ? [outer] : [])]);
    const loaded = new Map<string, Shown>();
    try {
      const changed = items.filter((item) => this.#shown.get(item.id)?.version !== item.version);
      await Promise.all(
        changed.map(async (item) => loaded.set(item.id, { version: item.version, group: await this.#load(item, signal) })),
      );
      signal.throwIfAborted();
    } catch (error) {
      for (const { group } of loaded.values()) disposeOf(group);
      throw error;
    }
    const wanted = new Set(items.map((item) => item.id));
    for (const [id, shown] of [...this.#shown]) {
      if (wanted.has(id) && !loaded.has(id)) continue;
      this.#model.remove(shown.group);
      this.#shown.delete(id);
      this.#retired.push(shown.group);
    }
    for (const [id, shown] of loaded) {
      this.#shown.set(id, shown);
      this.#model.add(shown.group);
    }
    if (loaded.size > 0 || this.#shown.size === 0) this.#settleModel();
  }

  /** Follows the settings of the model's author. */
  setLook({ shadow, exposure }: Look): void {
    this.#renderer.toneMappingExposure = exposure;
    this.#contact.group.traverse((object) => object.layers[shadow ? "enable" : "disable"](0));
    this.#floor.layers[shadow ? "enable" : "disable"](0);
    this.#invalidate();
  }

  /** Moves the camera so that the whole model is in view. */
  fit(): void {
    this.#movedByHand = false;
    if (this.#subject) this.#rig.setSubject(this.#subject);
    this.#rig.fit();
    this.#invalidate();
  }

  /** A picture of the model without background, as PNG. */
  async snapshot(widthPx: number, heightPx: number): Promise<Blob> {
    const ratio = this.#renderer.getPixelRatio();
    try {
      this.#renderer.setPixelRatio(1);
      this.#setSize(widthPx, heightPx);
      this.#rig.fit();
      this.#rig.jump();
      this.#render();
      return await new Promise((resolve, reject) =>
        this.canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("The browser made no picture."))), "image/png"),
      );
    } finally {
      this.#renderer.setPixelRatio(ratio);
      this.#resize();
    }
  }

  clear(): void {
    this.#showing?.abort(new DOMException("The picture was cleared", "AbortError"));
    for (const { group } of this.#shown.values()) disposeOf(group);
    this.#shown.clear();
    this.#model.clear();
    this.#radius = 0;
    this.#settleModel();
  }

  dispose(): void {
    this.#ended.abort(new DOMException("The picture was closed", "AbortError"));
    this.#resized.disconnect();
    cancelAnimationFrame(this.#frame);
    for (const { group } of this.#shown.values()) disposeOf(group);
    for (const group of this.#retired) disposeOf(group);
    this.#shown.clear();
    this.#floor.geometry.dispose();
    this.#floor.material.dispose();
    this.#contact.dispose();
    this.#key.dispose();
    this.#environment?.dispose();
    this.#renderer.dispose();
    // Browsers allow few contexts; one that waits for the garbage collector may cost the next viewer its picture.
    this.#renderer.forceContextLoss();
    this.canvas.remove();
  }

  async #load(item: ViewportItem, signal: AbortSignal): Promise<Group> {
    const group = new Group();
    for (const bytes of await item.load(signal)) {
      signal.throwIfAborted();
      const { scene } = await this.#loader.parseAsync(bytes, "");
      group.add(scene);
    }
    group.traverse((object) => {
      if (!(object instanceof Mesh)) return;
      const clear = materialsOf(object).every((material) => material.transparent);
      object.receiveShadow = !clear;
      object.castShadow = !clear;
      // Glass throws no contact shadow either: the shadow's camera sees the first layer alone.
      if (clear) object.layers.set(CLEAR_LAYER);
    });
    return group;
  }

  /** Fits light, ground and camera to what is now in the scene. */
  #settleModel(): void {
    this.#model.updateMatrixWorld(true);
    const bounds = new Box3().setFromObject(this.#model);
    const first = this.#radius === 0;
    this.#floor.visible = !bounds.isEmpty();
    if (bounds.isEmpty()) {
      this.#subject = undefined;
      this.#contact.hide();
      this.#invalidate();
      return;
    }
    const subject = subjectOf(this.#model, bounds);
    const radius = Math.hypot(subject.reach, subject.halfHeight);
    const growth = first ? 1 : Math.max(radius / this.#radius, this.#radius / radius);
    this.#subject = subject;
    this.#radius = radius;
    aimKeyLight(this.#key, subject.centre.toArray(), radius);
    this.#floor.position.set(subject.centre.x, bounds.min.y - radius * 0.003, subject.centre.z);
    this.#floor.scale.setScalar(radius * 8);
    this.#groundIsStale = true;
    this.#rig.setSubject(subject);
    if (first || (growth > REFIT_FACTOR && !this.#movedByHand)) this.#rig.fit();
    if (first) this.#rig.jump();
    this.#invalidate();
  }

  #lightUp(): void {
    this.#environment?.dispose();
    this.#environment = createStudioEnvironment(this.#renderer);
    this.#scene.environment = this.#environment;
    this.#scene.environmentIntensity = 0.62;
  }

  #listen(): void {
    const signal = this.#ended.signal;
    listenForGestures(
      this.canvas,
      {
        rig: this.#rig,
        moved: () => {
          this.#movedByHand = true;
          this.#invalidate();
        },
        fit: () => this.fit(),
      },
      signal,
    );
    this.canvas.addEventListener("webglcontextlost", (event) => event.preventDefault(), { signal });
    this.canvas.addEventListener(
      "webglcontextrestored",
      () => {
        // three.js uploads geometry and textures again by itself; what was rendered into textures is ours to redo.
        this.#lightUp();
        this.#groundIsStale = this.#shown.size > 0;
        this.#invalidate();
      },
      { signal },
    );
  }

  #resize(): void {
    const { clientWidth: width, clientHeight: height } = this.#element;
    if (width === 0 || height === 0) return;
    this.#renderer.setPixelRatio(Math.min(devicePixelRatio, PIXEL_RATIO_MAX));
    this.#setSize(width, height);
    if (!this.#movedByHand) {
      this.#rig.fit();
      this.#rig.jump();
    }
    // At once, not in the next frame: a resized canvas is empty until it is drawn.
    this.#render();
  }

  #setSize(width: number, height: number): void {
    this.#renderer.setSize(width, height);
    this.#camera.aspect = width / height;
    this.#camera.updateProjectionMatrix();
    if (this.#subject) this.#rig.setSubject(this.#subject);
  }

  /** Asks for one frame; frames follow each other only while the camera is under way. */
  #invalidate(): void {
    if (this.#frame !== 0 || this.#ended.signal.aborted) return;
    this.#timer.reset();
    this.#frame = requestAnimationFrame((now) => this.#tick(now));
  }

  #tick(now: number): void {
    this.#frame = 0;
    this.#timer.update(now);
    const seconds = Math.min(this.#timer.getDelta() || 1 / 60, FRAME_S_MAX);
    let moving = false;
    if (this.#calm.matches) this.#rig.jump();
    else moving = this.#rig.step(seconds);
    this.#render();
    if (moving) this.#frame = requestAnimationFrame((next) => this.#tick(next));
  }

  #render(): void {
    if (this.#renderer.getContext().isContextLost()) return;
    if (this.#groundIsStale) {
      this.#groundIsStale = false;
      this.#floor.visible = false;
      this.#contact.update(this.#renderer, this.#scene, new Box3().setFromObject(this.#model));
      this.#floor.visible = true;
      this.#renderer.shadowMap.needsUpdate = true;
    }
    this.#renderer.render(this.#scene, this.#camera);
    for (const group of this.#retired.splice(0)) disposeOf(group);
  }
}

function materialsOf(mesh: Mesh): Material[] {
  return [mesh.material as Material | Material[]].flat();
}

/** The upright cylinder that the model turns in. */
function subjectOf(model: Group, bounds: Box3): Subject {
  const centre = bounds.getCenter(new Vector3());
  const point = new Vector3();
  let reach = 0;
  model.traverse((object) => {
    if (!(object instanceof Mesh)) return;
    const positions = (object as Mesh<BufferGeometry>).geometry.getAttribute("position");
    for (let i = 0; i < positions.count; i += 1) {
      point.fromBufferAttribute(positions, i).applyMatrix4(object.matrixWorld);
      reach = Math.max(reach, Math.hypot(point.x - centre.x, point.z - centre.z));
    }
  });
  return { centre, reach, halfHeight: (bounds.max.y - bounds.min.y) / 2 };
}

/** Frees what a loaded model holds on the graphics card. */
function disposeOf(group: Group): void {
  group.traverse((object) => {
    if (!(object instanceof Mesh)) return;
    (object as Mesh<BufferGeometry>).geometry.dispose();
    for (const material of materialsOf(object)) {
      for (const value of Object.values(material) as unknown[]) {
        if (isTexture(value)) value.dispose();
      }
      material.dispose();
    }
  });
}

function isTexture(value: unknown): value is Texture {
  return typeof value === "object" && value !== null && "isTexture" in value;
}
