/** The room around the model: soft light from large surfaces, made by code so that nothing has to be fetched. */
import {
  BackSide,
  BoxGeometry,
  DirectionalLight,
  Mesh,
  MeshBasicMaterial,
  MeshStandardMaterial,
  PMREMGenerator,
  PointLight,
  Scene,
  type Texture,
  type WebGLRenderer,
} from "three";

type Triple = readonly [number, number, number];

/** Lamps as boxes: centre, size and brightness. A broad ceiling light, a window at the left, a strip at the right, a rim behind. */
const LAMPS: readonly { at: Triple; size: Triple; brightness: number }[] = [
  { at: [0, 4.9, 0.5], size: [6, 0.1, 4.5], brightness: 5 },
  { at: [-5.9, 1.2, 1], size: [0.1, 4.5, 5], brightness: 6 },
  { at: [5.9, 1, -0.5], size: [0.1, 4, 3], brightness: 4.5 },
  { at: [0.5, 2.2, -5.9], size: [4, 2.4, 0.1], brightness: 5 },
  { at: [1, 0.8, 5.9], size: [6, 3, 0.1], brightness: 2.6 },
];

/** Blur of the lamps' edges, as an angle. */
const SOFTNESS_RAD = 0.035;
/** Side of the environment's faces: finer than the blur, and the filtering takes a sixteenth of the usual size's time. */
const ENVIRONMENT_PX = 64;

/** Renders the studio into an environment map. The caller disposes of the texture. */
export function createStudioEnvironment(renderer: WebGLRenderer): Texture {
  const room = new Scene();
  const box = new BoxGeometry(1, 1, 1);
  const wall = new MeshStandardMaterial({ side: BackSide, color: 0xb8bcc2, roughness: 1, metalness: 0 });
  const walls = new Mesh(box, wall);
  walls.scale.set(12, 10, 12);
  room.add(walls);
  const fill = new PointLight(0xffffff, 190, 40, 2);
  fill.position.set(0, 1, 0);
  room.add(fill);
  const glows: MeshBasicMaterial[] = [];
  for (const { at, size, brightness } of LAMPS) {
    const glow = new MeshBasicMaterial();
    glow.color.setScalar(brightness);
    glows.push(glow);
    const lamp = new Mesh(box, glow);
    lamp.position.set(...at);
    lamp.scale.set(...size);
    room.add(lamp);
  }
  const generator = new PMREMGenerator(renderer);
  const { texture } = generator.fromScene(room, SOFTNESS_RAD, 0.1, 100, { size: ENVIRONMENT_PX });
  generator.dispose();
  box.dispose();
  wall.dispose();
  for (const glow of glows) glow.dispose();
  return texture;
}

/** Size of the shadow map: coarse enough to stay soft, fine enough for a vent's slats. */
const SHADOW_MAP_PX = 1024;

/** The one light that throws shadows; `aimKeyLight` fits it to the model. */
export function createKeyLight(): DirectionalLight {
  const light = new DirectionalLight(0xfff9f1, 1.05);
  light.castShadow = true;
  light.shadow.mapSize.set(SHADOW_MAP_PX, SHADOW_MAP_PX);
  light.shadow.radius = 6;
  light.shadow.intensity = 0.7;
  return light;
}

/** Points the light at a sphere and fits its shadow to it. */
export function aimKeyLight(light: DirectionalLight, centre: readonly [number, number, number], radius: number): void {
  light.target.position.set(...centre);
  light.position.set(centre[0] + radius * 0.95, centre[1] + radius * 3.1, centre[2] + radius * 1.25);
  const camera = light.shadow.camera;
  camera.left = camera.bottom = -radius * 1.15;
  camera.right = camera.top = radius * 1.15;
  camera.near = radius * 0.5;
  camera.far = radius * 6;
  camera.updateProjectionMatrix();
  light.shadow.normalBias = radius * 0.006;
  light.shadow.bias = -0.0004;
  light.target.updateMatrixWorld();
}
