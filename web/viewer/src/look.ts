/** What of a model's viewer settings this viewer follows. The settings have the form of version 7 of the official viewer's. */

export interface Look {
  /** Colour behind the model in CSS; null for the viewer's own stage. */
  background: string | null;
  /** Whether the model throws a shadow on the ground. */
  shadow: boolean;
  /** Brightness; 1 is as computed. */
  exposure: number;
}

export const LOOK_DEFAULT: Look = { background: null, shadow: true, exposure: 1 };

/** Brighter or darker than this shows nothing of a model. */
const EXPOSURE_MIN = 0.1;
const EXPOSURE_MAX = 4;

function member(of: unknown, name: string): unknown {
  return typeof of === "object" && of !== null ? (of as Record<string, unknown>)[name] : undefined;
}

/** Reads settings that anybody may have written: what cannot be read counts as not there. */
export function lookOf(config: unknown): Look {
  const environment = member(config, "environment");
  const colour = member(environment, "clearColor");
  const opacity = member(environment, "clearAlpha");
  const hex = typeof colour === "string" ? /^#[0-9a-f]{6}/i.exec(colour)?.[0] : undefined;
  const exposure = member(member(config, "rendering"), "toneMappingExposure");
  return {
    background: hex === undefined || opacity === 0 ? null : hex.toLowerCase(),
    shadow: member(member(config, "environmentGeometry"), "contactShadowVisibility") !== false,
    exposure: typeof exposure === "number" && exposure >= EXPOSURE_MIN && exposure <= EXPOSURE_MAX ? exposure : LOOK_DEFAULT.exposure,
  };
}
