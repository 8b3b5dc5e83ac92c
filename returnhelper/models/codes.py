"""Code lists of the API as open enumerations: what is documented has a name, what is not keeps its text.

Two spellings of one thing (``fail``/``failed``, ``usd``/``USD``) and the numbers of entity-style webhooks give the same
member; the form that arrived stays readable as ``.wire``. The newest lists come from the public lookups (``rh.lookups``).

One rule for codes that the sources spell differently: a code that was read, such as one of a lookup, is sent as it was
printed; a constant of this module is sent in the newer spelling; plain text is sent as given.
"""

# ruff: noqa: RUF012 - the other spellings of a code belong into its class body

from __future__ import annotations

from returnhelper.types import OpenStrEnum


def _numbered(*values: str) -> dict[str | int, str]:
    """Map 0, 1, 2 … to the values in this order; their texts follow by themselves."""
    return dict(enumerate(values))


class Handling(OpenStrEnum):
    """Handling of an inventory. ``tbc`` and ``rsd`` are never accepted as input."""

    TO_BE_CONFIRMED = "tbc"
    RECALL = "rtn"
    DISPOSE = "dsp"
    RESEND = "rsd"
    ON_HOLD = "ohd"
    OTHERS = "oth"
    RESTOCK = "rst"

    __synonyms__ = _numbered("tbc", "rtn", "dsp", "rsd", "ohd", "oth") | {"dis": "dsp"}


class HandlingStatus(OpenStrEnum):
    """State of a handling."""

    PENDING = "pending"
    IN_PROGRESS = "inProgress"
    COMPLETED = "completed"

    __synonyms__ = _numbered("pending", "inProgress", "completed") | {"in-progress": "inProgress"}


class LabelRequestStatus(OpenStrEnum):
    """State of a label request. The number 3 means success (inferred); the others are unnamed."""

    QUEUED = "queued"
    STARTED = "started"
    SUCCESS = "success"
    FAILED = "failed"
    CANCELED = "canceled"

    __synonyms__ = {"queue": "queued", "fail": "failed", 3: "success"}


class ShipmentStatus(OpenStrEnum):
    """State of a return shipment; beside the two editable states only numbers were seen, 6 on arrival."""

    NO_LABEL = "no-label"
    LABEL_FAILED = "lb-failed"
    CODE_1 = "1"
    CODE_2 = "2"
    CODE_3 = "3"
    CODE_4 = "4"
    CODE_6 = "6"

    __synonyms__ = {1: "1", 2: "2", 3: "3", 4: "4", 6: "6"}


class ReturnStatus(OpenStrEnum):
    """State of a return request; its numbers are seen without names."""

    CODE_0 = "0"
    CODE_3 = "3"
    CODE_4 = "4"

    __synonyms__ = {0: "0", 3: "3", 4: "4"}


class ReturnRequestSourceType(OpenStrEnum):
    """How a return request came about; its numbers are seen without names."""

    CODE_0 = "0"
    CODE_1 = "1"

    __synonyms__ = {0: "0", 1: "1"}


class ReturnRequestFrom(OpenStrEnum):
    """Origin of a return request."""

    RETURN_HELPER = "return-helper"


class ResendStatus(OpenStrEnum):
    """State of a resend; the wire carries the numbers 0 to 4."""

    PENDING = "pending"
    CANCELED = "canceled"
    IN_PROGRESS = "inProgress"
    COMPLETED = "completed"
    FAILED = "failed"

    __synonyms__ = _numbered("pending", "canceled", "inProgress", "completed", "failed") | {
        "in-progress": "inProgress"
    }


class RecallStatus(OpenStrEnum):
    """State of a recall."""

    PENDING = "pending"
    IN_PROGRESS = "in-progress"
    COMPLETED = "completed"
    CANCELED = "canceled"


class RecallInventoryStatus(OpenStrEnum):
    """Where an item of a recall is."""

    IN_PROGRESS = "in-progress"
    IN_TRANSIT = "in-transit"
    READY_TO_PICK_UP = "ready-to-pick-up"
    PICKED_UP = "picked-up"
    CANCELED = "canceled"


class PickUp(OpenStrEnum):
    """Who collects a recalled item."""

    PENDING = "pending"
    SELF = "self-pick-up"
    COURIER = "courier-pick-up"
    OTHERS = "others"


class RecallUpdateType(OpenStrEnum):
    """What a recall update reports; samples and tables spell two of them differently."""

    UPDATE_TRACKING_NUMBER = "updateTrackingNumber"
    READY_TO_PICK_UP = "markReadyToPickUp"
    PICKUP_BY_SELF = "pickupBySelf"
    PICKUP_BY_COURIER = "pickUpToCourierPickUp"
    PICKUP_BY_OTHERS = "pickupByOthers"

    __synonyms__ = {"readyToPickUp": "markReadyToPickUp", "pickupByCourier": "pickUpToCourierPickUp"}


class VasCode(OpenStrEnum):
    """Value-added service. ``SPLIT_PARCEL`` is the newer spelling of ``split-parcel``."""

    MOBILE_FORMAT = "mobi-fmt"
    MOBILE_IMEI = "mobi-imei"
    MOBILE_LOCK = "mobi-lock"
    PRODUCT_INSPECTION = "prd-inspec"
    REPACK = "repack"
    REQUEST_PICTURES = "req-pic"
    SPLIT_PARCEL = "split-parcel"

    __newer__ = {"split-parcel": "SPLIT_PARCEL"}


class VasStatus(OpenStrEnum):
    """State of a value-added service; of the numbers only 1 was seen, the order is inferred."""

    PENDING = "pending"
    SUCCESSFUL = "successful"
    FAILED = "failed"

    __synonyms__ = _numbered("pending", "successful", "failed")


class BoxType(OpenStrEnum):
    """Box of a return shipment."""

    CUSTOM = "cus"
    MEDIUM = "MediumBox"


class WeightUnit(OpenStrEnum):
    """Unit of weight. The documents print grams; the lookup says which others are accepted."""

    GRAM = "g"
    KILOGRAM = "kg"


class DimensionUnit(OpenStrEnum):
    """Unit of length."""

    CENTIMETRE = "cm"


class Currency(OpenStrEnum):
    """Currencies named in the documents; responses print ``usd`` and ``USD``, which are one code."""

    USD = "usd"
    GBP = "GBP"
    EUR = "EUR"


class ChargeType(OpenStrEnum):
    """What a shipment is charged by."""

    ACTUAL_WEIGHT = "actualWeight"
    NO_CHARGE = "noCharge"


class AddressType(OpenStrEnum):
    """Kind of an address."""

    BUSINESS = "business"


class MetaType(OpenStrEnum):
    """Who wrote the free pairs of an inventory."""

    WAREHOUSE = "whs"
    USER = "usr"
    SHIPMENT_CUSTOM_FIELD = "shipmentCustomField"


class ReturnService(OpenStrEnum):
    """Service types of return labels; ``service_types.list`` returns the current ones."""

    ROYAL_MAIL = "rm"
    ROYAL_MAIL_BIR = "RETURN_RM_BIR"
    ROYAL_MAIL_POSTMEN_BIR = "RETURN_POSTMEN_RM_BIR"
    DPD_UK = "pdpd"
    DPD_UK_BIR = "RETURN_GBR_DPD_BIR"
    DHL_GERMANY = "sdhl"
    CORREOS = "ucepaq"
    COLISSIMO = "ucss"
    UPS = "ups"
    UPS_GROUND_NJ = "ups_nj"
    UPS_GROUND_WA = "ups_wa"
    USPS = "usps"
    USPS_BROKER_NJ = "RETURN_USPS_BROKER_NJ"
    USPS_PRIORITY_MAIL = "endicia"
    USPS_PRIORITY_MAIL_NJ = "RETURN_USPS_NJ"
    USPS_PARCEL_SELECT = "endicia_parcel_select"
    USPS_GROUND_ADVANTAGE_NJ = "RETURN_ENDICIA_USPS_GROUND_ADVANTAGE_NJ"
    USPS_GROUND_ADVANTAGE_WA = "RETURN_ENDICIA_USPS_GROUND_ADVANTAGE_WA"
    FEDEX = "fedex"
    FEDEX_GROUND = "fedex_ground"
    SENDLE_AU = "sendle_au_domestic"
    QXPRESS = "easyparcel_qxpress"
    JNT_EXPRESS = "easyparcel_jnt_express"
    CANADA_POST = "ubi_ca"
    AUSTRALIA_POST = "ubi_au"
    SF_EXPRESS = "sf_hk"
    DHL_PARCEL_GROUND_NJ = "RETURN_DHL_PARCEL_GROUND_NJ"
    DHL_PARCEL_GROUND_WA = "RETURN_DHL_PARCEL_GROUND_WA"
    FREU_COLISSIMO = "RETURN_PATRICE_EUR"
    FREU_DHL = "RETURN_PATRICE_DHL_EUR"
    AP = "ap"
    FOREIGN_LABEL = "nrhl"
    UNKNOWN_PARCEL = "unkwn"


class ResendService(OpenStrEnum):
    """Service types of resends; never valid for returns. ``others`` needs an agreement with support first."""

    OTHERS = "others"
    USPS = "usps"
    UPS = "ups"
    USPS_PRIORITY_MAIL_NJ = "SHIPMENT_USPS_PM_NJ"
    USPS_GROUND_ADVANTAGE_SIGNATURE_NJ = "SHIPMENT_USPS_GA_SIG_NJ"


class RecallService(OpenStrEnum):
    """Carrier of a recall."""

    DHL = "dhl"


class ErrorCode(OpenStrEnum):
    """Failure keys of ``meta.errorCode`` that are known; the vendor's own list is longer."""

    VALIDATION_FAILED = "VALIDATION_FAILED"
    TRACKING_ALREADY_EXIST = "TRACKING_ALREADY_EXIST"


class FbaShipmentStatus(OpenStrEnum):
    """State of an FBA shipment."""

    PENDING = "PENDING"
    ARRIVED = "ARRIVED"
    CANCELED = "CANCELED"


class FbaInstructionHandling(OpenStrEnum):
    """Handling of FBA stock.

    ``REPLENISH`` and ``RECALL`` are the newer spellings of ``RPS`` and ``RCL`` (inferred). ``RLB`` is listed but never
    explained, and the vendor's own list is not published: plain text is sent as given.
    """

    DISPOSE = "DIS"
    OTHERS = "OTH"
    REPLENISH = "RPS"
    RESTOCK = "RSK"
    RECALL = "RCL"
    RELABEL = "RLB"

    __newer__ = {"RPS": "REPLENISH", "RCL": "RECALL"}


class FbaInstructionHandlingStatus(OpenStrEnum):
    """State of an FBA instruction."""

    PENDING = "pending"
    IN_PROGRESS = "in-progress"
    COMPLETED = "completed"

    __synonyms__ = {"inProgress": "in-progress"}


class FbaStockStatus(OpenStrEnum):
    """Whether FBA stock is there."""

    IN_STOCK = "IN-STOCK"
    OUT_OF_STOCK = "OUT-OF-STOCK"


class ConsolidateShippingOrderStatus(OpenStrEnum):
    """State of a consolidate shipping order."""

    CREATED = "CREATED"
    CONFIRMED = "CONFIRMED"
    READY_TO_SHIP = "READY_TO_SHIP"
    PARTIALLY_SHIPPED = "PARTIALLY_SHIPPED"
    SHIPPED = "SHIPPED"
    CANCELED = "CANCELED"


class ConsolidateShippingInventoryStatus(OpenStrEnum):
    """State of an item in a consolidate shipping order."""

    PENDING = "PENDING"
    IN_PROGRESS = "IN_PROGRESS"
    PACKED = "PACKED"
    SHIPPED = "SHIPPED"


class ConsolidateShippingShipmentStatus(OpenStrEnum):
    """State of a consolidated shipment."""

    CREATED = "CREATED"
    SHIPPED = "SHIPPED"


class ConsolidateShippingBoxStatus(OpenStrEnum):
    """State of a box of a consolidated shipment."""

    IN_PROGRESS = "IN_PROGRESS"
    SHIPPED = "SHIPPED"


class ShippingMethod(OpenStrEnum):
    """Means of transport of a consolidate shipping order."""

    AIR_FREIGHT = "AIR_FREIGHT"
    COURIER_SERVICE = "COURIER_SERVICE"
    LAND_FREIGHT = "LAND_FREIGHT"
    SEA_FREIGHT = "SEA_FREIGHT"


class Country(OpenStrEnum):
    """Countries seen in the documents: ISO 3166 alpha-3 in lower case."""

    AUSTRALIA = "aus"
    AUSTRIA = "aut"
    BELGIUM = "bel"
    BULGARIA = "bgr"
    CANADA = "can"
    CHINA = "chn"
    CROATIA = "hrv"
    CZECHIA = "cze"
    DENMARK = "dnk"
    ESTONIA = "est"
    FINLAND = "fin"
    FRANCE = "fra"
    GERMANY = "deu"
    GREECE = "grc"
    HONG_KONG = "hkg"
    HUNGARY = "hun"
    IRELAND = "irl"
    ITALY = "ita"
    LATVIA = "lva"
    LITHUANIA = "ltu"
    LUXEMBOURG = "lux"
    NETHERLANDS = "nld"
    POLAND = "pol"
    PORTUGAL = "prt"
    ROMANIA = "rou"
    SINGAPORE = "sgp"
    SLOVAKIA = "svk"
    SLOVENIA = "svn"
    SPAIN = "esp"
    SWEDEN = "swe"
    UNITED_KINGDOM = "gbr"
    UNITED_STATES = "usa"
