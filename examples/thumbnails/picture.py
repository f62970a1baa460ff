"""Draws picture.jpg, the example's input: hills under clouds at dusk. Run it to make the picture anew."""

import math
import random
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter

WIDTH, HEIGHT = 1600, 1067


def draw() -> Image.Image:
    rng = random.Random(4566)
    sky = Image.new("RGB", (WIDTH, HEIGHT))
    pen = ImageDraw.Draw(sky)
    for y in range(HEIGHT):
        t = y / HEIGHT
        pen.line([(0, y), (WIDTH, y)], fill=(int(40 + 215 * t), int(60 + 110 * t), int(130 + 20 * t)))
    clouds = Image.new("L", (WIDTH, HEIGHT))
    pen = ImageDraw.Draw(clouds)
    for _ in range(140):
        x, y = rng.uniform(-100, WIDTH), rng.gauss(HEIGHT * 0.33, 70)
        radius = rng.uniform(20, 95)
        pen.ellipse([x, y, x + radius * 3, y + radius], fill=rng.randint(90, 220))
    sky.paste((255, 240, 232), mask=clouds.filter(ImageFilter.GaussianBlur(18)))
    pen = ImageDraw.Draw(sky)
    for layer in range(5):
        base, height = HEIGHT * (0.55 + layer * 0.1), 90 - layer * 8
        phase = rng.uniform(0, 6)
        ridge = [
            (x, base + height * math.sin(x / 190 + phase) * 0.5 + height * math.sin(x / 67 + phase * 2) * 0.25)
            for x in range(0, WIDTH + 8, 8)
        ]
        shade = 1 - layer * 0.19
        pen.polygon([*ridge, (WIDTH, HEIGHT), (0, HEIGHT)], fill=(int(95 * shade), int(88 * shade), int(120 * shade)))
    return sky


if __name__ == "__main__":
    draw().save(Path(__file__).with_name("picture.jpg"), quality=82)
