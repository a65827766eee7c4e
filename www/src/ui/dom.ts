export type Child = Node | string | undefined | false | readonly Child[];
type Attribute = string | number | boolean | undefined;

/** Attributes by name (false and undefined leave one out); `on` has the listeners. */
export interface Props {
  on?: { [E in keyof HTMLElementEventMap]?: (event: HTMLElementEventMap[E]) => void };
  [attribute: string]: Attribute | Props["on"];
}

/** Makes an element. Children are nodes or text, never markup. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  props: Props = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  const { on = {}, ...attributes } = props;
  for (const [name, value] of Object.entries(attributes)) setAttribute(element, name, value as Attribute);
  for (const [event, listener] of Object.entries(on)) element.addEventListener(event, listener as EventListener);
  element.append(...flat(children));
  return element;
}

/** Makes an SVG element. */
export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Record<string, Attribute> = {},
  ...children: Node[]
): SVGElementTagNameMap[K] {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) setAttribute(element, name, value);
  element.append(...children);
  return element;
}

/** Puts new children in the place of all there are. */
export function fill(parent: Element, ...children: Child[]): void {
  parent.replaceChildren(...flat(children));
}

/** Sets an attribute; false and undefined take it away. */
export function setAttribute(element: Element, name: string, value: Attribute): void {
  if (value === false || value === undefined) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? "" : String(value));
}

function flat(children: readonly Child[]): (Node | string)[] {
  return children.flatMap((child) => {
    if (child === undefined || child === false) return [];
    if (typeof child === "string" || child instanceof Node) return [child];
    return flat(child);
  });
}
