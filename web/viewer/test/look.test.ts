import { describe, expect, test } from "vitest";
import { LOOK_DEFAULT, lookOf } from "../src/look.js";

describe("the look that an author chose", () => {
  test("without settings, and with ones that cannot be read, it is the viewer's own", () => {
    const odd = [undefined, null, {}, 7, { environment: [] }, { environment: { clearColor: "red" } }, { rendering: { toneMappingExposure: 99 } }];
    for (const config of odd) expect(lookOf(config)).toEqual(LOOK_DEFAULT);
  });

  test("background, shadow and brightness are followed", () => {
    const config = {
      environment: { clearColor: "#AABBCCff", clearAlpha: 1 },
      environmentGeometry: { contactShadowVisibility: false },
      rendering: { toneMappingExposure: 1.4 },
    };
    expect(lookOf(config)).toEqual({ background: "#aabbcc", shadow: false, exposure: 1.4 });
    expect(lookOf({ environment: { clearColor: "#aabbcc", clearAlpha: 0 } }).background).toBeNull();
  });
});
