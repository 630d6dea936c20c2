/**
 * The soft shadow where the model touches the ground: the model's depth seen from below, blurred twice, on a plane.
 * It is drawn once per model, not per frame.
 */
import {
  type Box3,
  Group,
  Mesh,
  MeshBasicMaterial,
  MeshDepthMaterial,
  OrthographicCamera,
  PlaneGeometry,
  type Scene,
  ShaderMaterial,
  WebGLRenderTarget,
  type WebGLRenderer,
} from "three";

const TEXTURE_PX = 512;
/** Room around the model for the blurred edge, as a factor of its larger side. */
const MARGIN = 1.6;
const DARKNESS = 1.25;
/** Opacity of the whole shadow: grey under the model, never black. */
const STRENGTH = 0.62;

const VERTEX = `varying vec2 vUv;
void main() { vUv = uv; gl_Position = projectionMatrix * modelViewMatrix * vec4(position, 1.0); }`;

/** Gaussian with nine taps along one axis. */
const BLUR = `uniform sampler2D map; uniform vec2 stride; varying vec2 vUv;
void main() {
  vec4 sum = vec4(0.0);
  sum += texture2D(map, vUv - 4.0 * stride) * 0.0510;
  sum += texture2D(map, vUv - 3.0 * stride) * 0.0918;
  sum += texture2D(map, vUv - 2.0 * stride) * 0.1225;
  sum += texture2D(map, vUv - 1.0 * stride) * 0.1531;
  sum += texture2D(map, vUv) * 0.1632;
  sum += texture2D(map, vUv + 1.0 * stride) * 0.1531;
  sum += texture2D(map, vUv + 2.0 * stride) * 0.1225;
  sum += texture2D(map, vUv + 3.0 * stride) * 0.0918;
  sum += texture2D(map, vUv + 4.0 * stride) * 0.0510;
  gl_FragColor = sum;
}`;

export class ContactShadow {
  readonly group = new Group();
  readonly #sharp = new WebGLRenderTarget(TEXTURE_PX, TEXTURE_PX);
  readonly #half = new WebGLRenderTarget(TEXTURE_PX, TEXTURE_PX);
  readonly #geometry = new PlaneGeometry(1, 1);
  readonly #camera = new OrthographicCamera(-0.5, 0.5, 0.5, -0.5, 0, 1);
  readonly #depth = new MeshDepthMaterial();
  readonly #blur = new ShaderMaterial({
    uniforms: { map: { value: null }, stride: { value: [0, 0] } },
    vertexShader: VERTEX,
    fragmentShader: BLUR,
    depthTest: false,
    depthWrite: false,
  });
  readonly #quad = new Mesh(this.#geometry, this.#blur);
  readonly #quadCamera = new OrthographicCamera(-0.5, 0.5, 0.5, -0.5, 0, 2);
  readonly #plane: Mesh<PlaneGeometry, MeshBasicMaterial>;

  constructor() {
    // Depth becomes black with more alpha the nearer a surface is to the ground; the nearest surface counts.
    this.#depth.onBeforeCompile = (shader) => {
      shader.fragmentShader = shader.fragmentShader.replace(
        "gl_FragColor = vec4( vec3( 1.0 - fragCoordZ ), opacity );",
        `gl_FragColor = vec4( vec3( 0.0 ), ( 1.0 - fragCoordZ ) * ${DARKNESS.toFixed(2)} );`,
      );
    };
    const material = new MeshBasicMaterial({
      map: this.#sharp.texture,
      transparent: true,
      opacity: STRENGTH,
      depthWrite: false,
    });
    this.#plane = new Mesh(this.#geometry, material);
    this.#plane.rotation.x = -Math.PI / 2;
    this.#plane.scale.y = -1;
    this.#plane.renderOrder = -1;
    // Looks up from the ground; not part of the group, whose scale would distort what it sees.
    this.#camera.rotation.x = Math.PI / 2;
    this.#quadCamera.position.z = 1;
    this.group.add(this.#plane);
    this.group.visible = false;
  }

  /** Draws the shadow of what is in the scene, for a model within `bounds`. */
  update(renderer: WebGLRenderer, scene: Scene, bounds: Box3): void {
    const width = bounds.max.x - bounds.min.x;
    const depth = bounds.max.z - bounds.min.z;
    const height = bounds.max.y - bounds.min.y;
    const side = Math.max(width, depth) * MARGIN;
    const thickness = Math.max(height, side * 0.05) * 0.35;
    this.group.visible = true;
    this.group.scale.set(side, 1, side);
    this.group.position.set(
      (bounds.min.x + bounds.max.x) / 2,
      // A hair below the model, so that its underside does not flicker through.
      bounds.min.y - height * 0.002,
      (bounds.min.z + bounds.max.z) / 2,
    );
    this.#camera.position.copy(this.group.position);
    this.#camera.left = this.#camera.bottom = -side / 2;
    this.#camera.right = this.#camera.top = side / 2;
    this.#camera.near = 0;
    this.#camera.far = thickness;
    this.#camera.updateProjectionMatrix();
    this.#camera.updateMatrixWorld();
    this.#draw(renderer, scene);
  }

  #draw(renderer: WebGLRenderer, scene: Scene): void {
    const [override, background, alpha] = [scene.overrideMaterial, scene.background, renderer.getClearAlpha()];
    const shadows = renderer.shadowMap.enabled;
    scene.overrideMaterial = this.#depth;
    scene.background = null;
    renderer.shadowMap.enabled = false;
    renderer.setClearAlpha(0);
    this.#plane.visible = false;
    renderer.setRenderTarget(this.#sharp);
    renderer.clear();
    renderer.render(scene, this.#camera);
    scene.overrideMaterial = override;
    this.#pass(renderer, 1);
    this.#pass(renderer, 0.4);
    renderer.setRenderTarget(null);
    renderer.setClearAlpha(alpha);
    renderer.shadowMap.enabled = shadows;
    scene.background = background;
    this.#plane.visible = true;
  }

  #pass(renderer: WebGLRenderer, amount: number): void {
    const stride = (amount * 3.2) / TEXTURE_PX;
    const uniforms = this.#blur.uniforms as { map: { value: unknown }; stride: { value: number[] } };
    for (const [from, to, step] of [
      [this.#sharp, this.#half, [stride, 0]],
      [this.#half, this.#sharp, [0, stride]],
    ] as const) {
      uniforms.map.value = from.texture;
      uniforms.stride.value = [...step];
      renderer.setRenderTarget(to);
      renderer.clear();
      renderer.render(this.#quad, this.#quadCamera);
    }
  }

  hide(): void {
    this.group.visible = false;
  }

  dispose(): void {
    this.#sharp.dispose();
    this.#half.dispose();
    this.#geometry.dispose();
    this.#depth.dispose();
    this.#blur.dispose();
    this.#plane.material.dispose();
  }
}
