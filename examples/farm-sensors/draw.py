"""Draws a picture of each farm: the temperatures of its sensors over time, as SVG."""

import csv
import io
import os

import boto3

WIDTH, HEIGHT, MARGIN = 640, 240, 24
COLOURS = ("#4878a8", "#c05a4d", "#6a9c55", "#8a6bb0", "#c9953c")

s3 = boto3.client("s3")


def handler(event, context):
    """Read every sensor's file and write a picture for each farm."""
    bucket = os.environ["BUCKET"]
    farms = {}
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="readings/"):
        for one in page.get("Contents", []):
            _, farm, file = one["Key"].split("/")
            text = s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read().decode()
            farms.setdefault(farm, {})[file.removesuffix(".csv")] = list(csv.DictReader(io.StringIO(text)))
    for farm, sensors in farms.items():
        body = picture(farm, sensors).encode()
        s3.put_object(Bucket=bucket, Key=f"pictures/{farm}.svg", Body=body, ContentType="image/svg+xml")
    return sorted(farms)


def picture(farm, sensors):
    """A line for each sensor."""
    temps = {name: [float(row["temp"]) for row in rows if row["temp"]] for name, rows in sensors.items()}
    every = [temp for line in temps.values() for temp in line]
    low, high = min(every), max(every)
    scale = (HEIGHT - 2 * MARGIN) / ((high - low) or 1)
    lines = []
    for number, (name, line) in enumerate(sorted(temps.items())):
        step = (WIDTH - 2 * MARGIN) / max(len(line) - 1, 1)
        points = " ".join(
            f"{MARGIN + at * step:.1f},{HEIGHT - MARGIN - (temp - low) * scale:.1f}" for at, temp in enumerate(line)
        )
        colour = COLOURS[number % len(COLOURS)]
        lines.append(f'<polyline fill="none" stroke="{colour}" stroke-width="1.5" points="{points}"/>')
        lines.append(f'<text x="{WIDTH - MARGIN}" y="{MARGIN + 14 * number}" fill="{colour}">{name}</text>')
    title = f"{farm}: {low:.1f} to {high:.1f} degrees, {len(every)} readings"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
        ' font-family="sans-serif" font-size="11">'
        f'<text x="{MARGIN}" y="{MARGIN - 8}">{title}</text>{"".join(lines)}</svg>'
    )
