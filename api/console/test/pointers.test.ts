import { beforeEach, describe, expect, it } from "vitest";
import { pointers, type Point, type PointerHandlers } from "../src/fleet/pointers";
import type { View } from "../src/fleet/zoom";

const NEAR: View = { scale: 4, x: -100, y: -100 };
const LEFT = 1;
const RIGHT = 2;

let view: View;
let pressed: Point[];
let captured: number[];
let map: PointerHandlers;

beforeEach(() => {
  view = NEAR;
  pressed = [];
  captured = [];
  map = pointers(() => ({
    frame: { width: 400, height: 300 },
    most: 8,
    setView: (change) => (view = change(view)),
    onPress: (at) => pressed.push(at),
  }));
});

function at(x: number, y: number, { id = 1, button = 0, buttons = LEFT } = {}) {
  return {
    pointerId: id,
    button,
    buttons,
    nativeEvent: { offsetX: x, offsetY: y },
    currentTarget: { setPointerCapture: (pointerId: number) => captured.push(pointerId) },
  };
}

describe("pointers on the map", () => {
  it("choose_where_they_are_released_unmoved_and_move_it_where_they_were_dragged", () => {
    map.onPointerDown(at(50, 60));
    expect(captured).toEqual([1]);
    map.onPointerMove(at(51, 61));
    map.onPointerUp(at(51, 61, { buttons: 0 }));
    expect(pressed).toEqual([{ x: 51, y: 61 }]);
    expect(view).toEqual(NEAR);

    map.onPointerDown(at(50, 60));
    map.onPointerMove(at(70, 30));
    map.onPointerUp(at(70, 30, { buttons: 0 }));
    expect(pressed).toHaveLength(1);
    expect(view).toEqual({ scale: 4, x: -80, y: -130 });
  });

  it("by_the_right_button_neither_choose_nor_drag", () => {
    map.onPointerDown(at(50, 60, { button: 2, buttons: RIGHT }));
    map.onPointerMove(at(90, 90, { buttons: RIGHT }));
    map.onPointerUp(at(90, 90, { button: 2, buttons: 0 }));
    expect(captured).toEqual([]);
    expect(pressed).toEqual([]);
    expect(view).toEqual(NEAR);
  });

  it("whose_release_was_lost_drag_no_longer", () => {
    map.onPointerDown(at(50, 60));
    map.onPointerMove(at(90, 90, { buttons: 0 }));
    map.onPointerMove(at(99, 99));
    expect(view).toEqual(NEAR);

    map.onPointerDown(at(50, 60));
    map.onLostPointerCapture(at(50, 60));
    map.onPointerMove(at(90, 90));
    map.onPointerUp(at(90, 90, { buttons: 0 }));
    expect(view).toEqual(NEAR);
    expect(pressed).toEqual([]);
  });

  it("two_of_them_bring_it_nearer", () => {
    map.onPointerDown(at(100, 100));
    map.onPointerDown(at(200, 100, { id: 2 }));
    map.onPointerMove(at(250, 100, { id: 2 }));
    expect(view.scale).toBe(6);
    map.onPointerUp(at(250, 100, { id: 2, buttons: 0 }));
    map.onPointerUp(at(100, 100, { buttons: 0 }));
    expect(pressed).toEqual([]);
  });
});
