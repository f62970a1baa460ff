"""MQTT 3.1.1 and 5: packets (`packets.py`), connections (`connection.py`), and the broker between them (`broker.py`).

Sources: the OASIS standards MQTT 3.1.1 and 5.0; AWS IoT developer guide, "MQTT" and "AWS IoT Core message broker".
"""
