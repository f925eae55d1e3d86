import type { BoundRoute, Handler, Route } from './route.ts';

/** Which of the two APIs serves a route. */
export type Side = 'command' | 'query';

/** An area's routes, keyed by their ids. */
export type RoutesById = Readonly<Record<string, Route & { readonly side: Side }>>;

/** A handler for each route of an area that this side serves: one that is missing does not type-check. */
export type HandlersOf<Routes extends RoutesById, At extends Side> = {
  readonly [Id in keyof Routes as Routes[Id]['side'] extends At ? Id : never]: Handler<Routes[Id]>;
};

/** Ties the handlers of one side to their routes; the schemas of a route say what its handler is given. */
export function bindRoutes<const Routes extends RoutesById, const At extends Side>(
  routes: Routes,
  side: At,
  handlers: HandlersOf<Routes, At>,
): BoundRoute[] {
  const byId = handlers as Readonly<Record<string, BoundRoute['handle'] | undefined>>;
  return Object.entries(routes).flatMap(([id, route]) => {
    if (route.side !== side) return [];
    const handle = byId[id];
    if (handle === undefined || route.id !== id) throw new Error(`the route ${id} has no handler of this name`);
    return [{ route, handle }];
  });
}
