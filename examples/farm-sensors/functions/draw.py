"""Draws a picture of each farm: the temperatures of its sensors over time, and what is out of line, as SVG."""

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
    """A line for each sensor, a dot at the top for each reading that is out of line."""
    usual = [float(row["temp"]) for rows in sensors.values() for row in rows if row["anomaly"] == "false"]
    low, high = min(usual), max(usual)
    scale = (HEIGHT - 2 * MARGIN) / ((high - low) or 1)
    lines, odd = [], 0
    for number, (name, rows) in enumerate(sorted(sensors.items())):
        step = (WIDTH - 2 * MARGIN) / max(len(rows) - 1, 1)
        colour, points = COLOURS[number % len(COLOURS)], []
        for at, row in enumerate(rows):
            x = MARGIN + at * step
            if row["anomaly"] == "true":
                odd += 1
                lines.append(f'<circle cx="{x:.1f}" cy="{MARGIN}" r="4" fill="{colour}"/>')
            else:
                points.append(f"{x:.1f},{HEIGHT - MARGIN - (float(row['temp']) - low) * scale:.1f}")
        lines.append(f'<polyline fill="none" stroke="{colour}" stroke-width="1.5" points="{" ".join(points)}"/>')
        lines.append(f'<text x="{WIDTH - MARGIN}" y="{MARGIN + 14 * number}" fill="{colour}">{name}</text>')
    title = f"{farm}: {low:.1f} to {high:.1f} degrees, {len(usual)} readings, {odd} out of line"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
        ' font-family="sans-serif" font-size="11">'
        f'<text x="{MARGIN}" y="{MARGIN - 8}">{title}</text>{"".join(lines)}</svg>'
    )
