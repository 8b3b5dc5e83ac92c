"""Entities, requests and codes, one module per domain: ``from returnhelper.models.shipments import Shipment``."""
