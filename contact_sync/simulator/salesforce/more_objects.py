"""Standard objects that the population does not fill, and custom ones as many as wanted, as data: one line each.

A line is `Name prefix flags: fields`. A field is `name:type`, `name:type(length)`, or `name>Object` for a reference;
`!` marks a required one. Flags: `b` no Bulk API, `r` not replicateable, `q` not queryable, `d` no recycle bin. Id and audit
fields come with every object. Types, prefixes and flags follow the standard objects. No behaviour belongs here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from contact_sync.simulator.salesforce.objects import audit_fields, identity_fields
from contact_sync.simulator.salesforce.schema import FieldSchema, ObjectSchema

_STANDARD = """
AccountContactRelation 07k -: AccountId>Account! ContactId>Contact! IsActive:boolean IsDirect:boolean Roles:multipicklist StartDate:date EndDate:date
AccountContactRole 02Z -: AccountId>Account! ContactId>Contact! IsPrimary:boolean Role:picklist
AccountHistory 017 d: AccountId>Account Field:picklist OldValue:string(255) NewValue:string(255)
Asset 02i -: AccountId>Account ContactId>Contact Product2Id>Product2 Name:string(255)! SerialNumber:string(80) Status:picklist Price:currency Quantity:double PurchaseDate:date InstallDate:date
Attachment 00P b: ParentId>Account! Name:string(255)! ContentType:string(120) BodyLength:int Body:base64 IsPrivate:boolean
BusinessHours 01m d: Name:string(80)! IsActive:boolean IsDefault:boolean TimeZoneSidKey:picklist MondayStartTime:time MondayEndTime:time
Campaign 701 -: ParentId>Campaign Name:string(80)! Type:picklist Status:picklist StartDate:date EndDate:date IsActive:boolean BudgetedCost:currency ActualCost:currency ExpectedResponse:percent NumberSent:double Description:textarea(32000)
CampaignMember 00v d: CampaignId>Campaign! LeadId>Lead ContactId>Contact Status:picklist HasResponded:boolean FirstRespondedDate:date
CaseComment 00a -: ParentId>Case! IsPublished:boolean CommentBody:textarea(4000)
CaseHistory 02c d: CaseId>Case Field:picklist OldValue:string(255) NewValue:string(255)
ContactHistory 02f d: ContactId>Contact Field:picklist OldValue:string(255) NewValue:string(255)
ContentDocument 069 b: Title:string(255)! FileType:string(20) ContentSize:int ArchivedDate:date
ContentVersion 068 b: ContentDocumentId>ContentDocument Title:string(255)! PathOnClient:string(500) VersionNumber:string(20) ContentSize:int VersionData:base64
Contract 800 -: AccountId>Account! Status:picklist! StartDate:date EndDate:date ContractTerm:int ContractNumber:string(30) SpecialTerms:textarea(4000) ActivatedDate:datetime
Document 015 b: FolderId:string(18) Name:string(255)! DeveloperName:string(80) ContentType:string(120) BodyLength:int Body:base64 IsPublic:boolean
EmailMessage 02s -: ParentId>Case Subject:string(3000) FromAddress:email(1000) ToAddress:string(4000) TextBody:textarea(32000) MessageDate:datetime Incoming:boolean Status:picklist
Entitlement 550 -: AccountId>Account! Name:string(255)! StartDate:date EndDate:date Type:picklist Status:picklist RemainingCases:int
Group 00G d: Name:string(40)! DeveloperName:string(80) Type:picklist DoesSendEmailToMembers:boolean
GroupMember 011 dr: GroupId>Group! UserOrGroupId>User!
Holiday 0C0 d: Name:string(80)! ActivityDate:date IsAllDay:boolean IsRecurrence:boolean
Individual 0PK -: LastName:string(80)! FirstName:string(40) HasOptedOutProcessing:boolean HasOptedOutTracking:boolean ShouldForget:boolean BirthDate:date
LeadHistory 037 d: LeadId>Lead Field:picklist OldValue:string(255) NewValue:string(255)
Note 002 -: ParentId>Account! Title:string(80)! Body:textarea(32000) IsPrivate:boolean
OpportunityContactRole 00K -: OpportunityId>Opportunity! ContactId>Contact! Role:picklist IsPrimary:boolean
OpportunityFieldHistory 019 d: OpportunityId>Opportunity Field:picklist OldValue:string(255) NewValue:string(255)
OpportunityLineItem 00k -: OpportunityId>Opportunity! PricebookEntryId>PricebookEntry Quantity:double! UnitPrice:currency TotalPrice:currency Discount:percent ServiceDate:date Description:string(255)
Order 801 -: AccountId>Account ContractId>Contract EffectiveDate:date! Status:picklist! OrderNumber:string(30) TotalAmount:currency PoNumber:string(80) PoDate:date
OrderItem 802 -: OrderId>Order! PricebookEntryId>PricebookEntry Quantity:double! UnitPrice:currency ServiceDate:date EndDate:date
Pricebook2 01s -: Name:string(255)! IsActive:boolean IsStandard:boolean Description:string(255)
PricebookEntry 01u -: Pricebook2Id>Pricebook2! Product2Id>Product2! UnitPrice:currency! IsActive:boolean UseStandardPrice:boolean
Product2 01t -: Name:string(255)! ProductCode:string(255) Family:picklist IsActive:boolean QuantityUnitOfMeasure:picklist StockKeepingUnit:string(180) Description:textarea(4000)
Profile 00e dbr: Name:string(255)! UserType:picklist Description:string(255)
Quote 0Q0 -: OpportunityId>Opportunity! Name:string(255)! Status:picklist ExpirationDate:date Subtotal:currency Discount:percent Tax:currency
QuoteLineItem 0QL -: QuoteId>Quote! PricebookEntryId>PricebookEntry Quantity:double! UnitPrice:currency Discount:percent
RecordType 012 d: Name:string(80)! DeveloperName:string(80) SobjectType:picklist IsActive:boolean
ServiceContract 810 -: AccountId>Account ContactId>Contact Name:string(255)! StartDate:date EndDate:date Term:int GrandTotal:currency
Solution 501 -: SolutionName:string(255)! SolutionNumber:string(30) Status:picklist IsPublished:boolean SolutionNote:textarea(32000)
UserRole 00E dr: Name:string(80)! ParentRoleId>UserRole RollupDescription:string(80)
VoteView 00d qbr: Type:picklist
WorkOrder 0WO -: AccountId>Account ContactId>Contact CaseId>Case Subject:string(255) Status:picklist Priority:picklist StartDate:datetime EndDate:datetime Duration:double
"""
_CUSTOM = (
    "Name:string(80)! Text__c:string(255) Long__c:textarea(32000) Number__c:double(18,4) Amount__c:currency(16,2) "
    "Share__c:percent(5,2) Day__c:date At__c:datetime Time__c:time Is_Active__c:boolean Kind__c:picklist Tags__c:multipicklist "
    "Email__c:email(80) Phone__c:phone(40) Link__c:url(255) Account__c>Account Secret__c:encryptedstring(175) "
    "Place__Latitude__s:double(10,6) Place__Longitude__s:double(10,6) Place__c:location"
)
_LINE = re.compile(r"(?P<name>\w+) (?P<prefix>\w{3}) (?P<flags>[-bdqr]+): (?P<fields>.+)")
_FIELD = re.compile(
    r"(?P<name>\w+)(?:>(?P<target>\w+)|:(?P<type>\w+)(?:\((?P<length>\d+)(?:,(?P<scale>\d+))?\))?)(?P<required>!?)"
)
_VALUES = {"picklist": ("New", "Open", "Closed"), "multipicklist": ("Red", "Green", "Blue")}
_LENGTHS = {
    "string": 80,
    "picklist": 255,
    "multipicklist": 4_099,
    "combobox": 255,
    "url": 255,
    "phone": 40,
    "email": 80,
}
_PREFIX_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def standard_objects() -> Iterator[ObjectSchema]:
    """The standard objects of this module."""
    for line in _STANDARD.strip().splitlines():
        parts = _LINE.fullmatch(line)
        if parts is None:
            message = f"not a line that describes an object: {line[:40]}"
            raise ValueError(message)
        yield _object(parts["name"], parts["prefix"], parts["flags"], parts["fields"])


def custom_objects(count: int) -> Iterator[ObjectSchema]:
    """`Generated_001__c` and so on, with a field of every type."""
    for number in range(1, count + 1):
        digits = divmod(number, len(_PREFIX_DIGITS))
        prefix = "a" + "".join(_PREFIX_DIGITS[digit] for digit in digits)
        yield _object(f"Generated_{number:03d}__c", prefix, "-", _CUSTOM)


def _object(name: str, prefix: str, flags: str, fields: str) -> ObjectSchema:
    identity = identity_fields() if "d" not in flags else identity_fields()[:1]
    return ObjectSchema(
        name,
        prefix,
        (*identity, *map(_field, _FIELD.finditer(fields)), *audit_fields()),
        bulk="b" not in flags,
        replicateable="r" not in flags,
        queryable="q" not in flags,
    )


def _field(parts: re.Match[str]) -> FieldSchema:
    name, required = parts["name"], bool(parts["required"])
    if parts["target"]:
        return FieldSchema(name, "reference", 18, required=required, refers_to=parts["target"])
    kind, size, scale = parts["type"], int(parts["length"] or 0), int(parts["scale"] or 0)
    if kind in ("double", "currency", "percent"):
        return FieldSchema(name, kind, required=required, precision=size, scale=scale)
    return FieldSchema(
        name,
        kind,
        size or _LENGTHS.get(kind, 0),
        required=required,
        writable=kind != "location",
        values=_VALUES.get(kind, ()),
    )
