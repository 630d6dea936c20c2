/**
 * A model's viewer settings. Official viewers want a whole object of their version 7 or none, so that whoever changes one member writes
 * them all; our own viewer follows the ones of `Looks`.
 */
import { lookOf } from "../../viewer/src/look.js";
import type { ViewerConfig } from "./geometry.js";

export interface Looks {
  /** `#rrggbb`; null for the viewer's own stage. */
  background: string | null;
  shadow: boolean;
  exposure: number;
}

type Members = Record<string, unknown>;

const point = (value: number): Members => ({ x: value, y: value, z: value });

/** What official viewers begin with, for a server that says nothing else. */
function whole(): ViewerConfig {
  const light = (name: string, type: string, order: number, properties: Members): Members => ({ name, type, order, properties: { color: "#ffffff", ...properties } });
  const lights = {
    ambient: light("ambient", "ambient", 0, { intensity: 0.6 }),
    directional: light("directional", "directional", 1, {
      intensity: 2,
      direction: { x: 0.5, y: -0.7, z: 1 },
      castShadow: true,
      shadowMapResolution: 1024,
      shadowMapBias: -0.003,
    }),
  };
  return {
    settings_version: "7.0",
    build_date: "",
    build_version: "",
    configuration: {},
    session: {},
    ar: { enable: true, autoScaling: true },
    camera: { cameraId: "", cameras: {}, loadDefaultCameras: true },
    environment: { clearAlpha: 0, clearColor: "#ffffff", map: "none", mapAsBackground: false, mapResolution: "1024", rotation: { x: 0, y: 0, z: 0, w: 1 }, intensity: 1, blurriness: 0 },
    environmentGeometry: {
      gridColor: "#44444426",
      gridVisibility: false,
      groundPlaneColor: "#636363ff",
      groundPlaneVisibility: false,
      groundPlaneShadowColor: "#d3d3d3ff",
      groundPlaneShadowVisibility: false,
      contactShadowVisibility: true,
      contactShadowOpacity: 1,
      contactShadowBlur: 1.5,
      contactShadowHeight: 0.25,
      contactShadowDarkness: 1.5,
    },
    general: { transformation: { scale: point(1), translation: point(0), rotation: point(0) }, blurWhenBusy: true, pointSize: 1, showMessages: true },
    light: { lightSceneId: "default", lightScenes: { default: { name: "default", lights } } },
    material: { defaultMaterialColor: "#b8bcc2ff" },
    postprocessing: { antiAliasingTechnique: "smaa", antiAliasingTechniqueMobile: "fxaa", enablePostProcessingOnMobile: true, ssaaSampleLevel: 2, effects: [] },
    rendering: {
      automaticColorAdjustment: true,
      beautyRenderDelay: 50,
      beautyRenderBlendingDuration: 1500,
      lights: true,
      outputEncoding: "srgb",
      physicallyCorrectLights: true,
      shadows: true,
      softShadows: true,
      textureEncoding: "srgb",
      toneMapping: "aces_filmic",
      toneMappingExposure: 1,
    },
  };
}

export const looksOf = (config: ViewerConfig): Looks => lookOf(config);

/** The settings with other looks; what else stands in them stays. */
export function withLooks(config: ViewerConfig, looks: Looks): ViewerConfig {
  const base = Object.keys(config).length === 0 ? whole() : config;
  const part = (name: string, members: Members): Members => ({ ...(base[name] as Members | undefined), ...members });
  return {
    ...base,
    environment: part("environment", looks.background === null ? { clearAlpha: 0 } : { clearAlpha: 1, clearColor: looks.background }),
    environmentGeometry: part("environmentGeometry", { contactShadowVisibility: looks.shadow }),
    rendering: part("rendering", { toneMappingExposure: looks.exposure }),
  };
}
