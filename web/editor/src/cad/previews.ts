/**
 * Previews of commands that run. The library draws them beside the program, and one that is ready only after its command has ended
 * would stay on the screen for good.
 */
import type { AcTrView2d } from "@mlightcad/cad-simple-viewer";

interface Drawn {
  objectId: string;
  dispose(): void;
}

interface Scene {
  addTransientEntity(drawn: Drawn): void;
}

/** Ids that are remembered; what is drawn late comes at once or never. */
const ENDED_MAX = 100;

/** Lets nothing appear that was taken away while it was drawn. To be called once for a view. */
export function dropLatePreviews(view: AcTrView2d): void {
  const scene = Reflect.get(view, "_scene") as Scene;
  const ended = new Set<string>();
  const draw = view.addTransientEntity.bind(view);
  view.addTransientEntity = (entity) => {
    for (const { objectId } of [entity].flat()) ended.delete(objectId);
    draw(entity);
  };
  const remove = view.removeTransientEntity.bind(view);
  view.removeTransientEntity = (objectId) => {
    ended.add(objectId);
    const [first] = ended;
    if (ended.size > ENDED_MAX && first !== undefined) ended.delete(first);
    remove(objectId);
  };
  const show = scene.addTransientEntity.bind(scene);
  scene.addTransientEntity = (drawn) => {
    if (ended.has(drawn.objectId)) drawn.dispose();
    else show(drawn);
  };
}
