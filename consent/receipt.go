package consent

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

// ReceiptSchema names the profile of ISO/IEC TS 27560:2023 that receipts conform to
// which have all that it demands, as of 2024-08-01. It demands things that a host may
// not have told: see [Controller] and [Terms]. Without them a receipt is as good a
// proof, and names [OwnReceiptSchema].
const ReceiptSchema = "https://w3id.org/dpv/schema/dpv-27560#receipt-eu-gdpr"

// OwnReceiptSchema names the form of a receipt that does not claim to be complete in
// the sense of [ReceiptSchema].
const OwnReceiptSchema = "https://github.com/trothdev/troth/blob/main/docs/formats/consent.md#receipt"

const (
	recordSchema    = "https://w3id.org/dpv/schema/dpv-27560#record-eu-gdpr"
	ownRecordSchema = OwnReceiptSchema
)

// MaxReceipt is the longest receipt that is read, in bytes.
const MaxReceipt = 1 << 20

// Receipt is a record of one thing that a person said, for that person: in the
// fields of ISO/IEC TS 27560:2023, as JSON-LD with terms of the W3C community
// group's Data Privacy Vocabulary. With its proof it can be checked by anybody,
// see [VerifyReceipt].
//
// It names the person by the host's opaque id, and holds no evidence.
type Receipt struct {
	Context    receiptContext `json:"@context"`
	Type       string         `json:"@type"`
	ID         string         `json:"dct:identifier"`
	ConformsTo string         `json:"dct:conformsTo"`
	Created    ReceiptTime    `json:"dct:created"`
	Publisher  ReceiptParty   `json:"dct:publisher"`
	// Nonce is random, so that the receipt's hash confirms no guess.
	Nonce  string        `json:"troth:nonce"`
	Record ReceiptRecord `json:"dpv:hasRecordOfActivity"`
	// Proof is that of the entry which commits to the receipt; empty in a receipt
	// that has none yet.
	Proof string `json:"troth:proof,omitempty"`
}

// receiptContext says what the prefixes of the terms stand for. Its fields are
// fixed.
type receiptContext struct {
	DPV    string `json:"dpv"`
	GDPR   string `json:"eu-gdpr"`
	DCT    string `json:"dct"`
	Schema string `json:"schema"`
	Troth  string `json:"troth"`
}

var theContext = receiptContext{
	DPV: "https://w3id.org/dpv#", GDPR: "https://w3id.org/dpv/legal/eu/gdpr#",
	DCT: "http://purl.org/dc/terms/", Schema: "https://schema.org/",
	Troth: "https://github.com/trothdev/troth/blob/main/docs/formats/consent.md#",
}

// ReceiptParty is who answers for the processing.
type ReceiptParty struct {
	Type    string `json:"@type"`
	ID      string `json:"dct:identifier,omitempty"`
	Name    string `json:"dpv:hasName"`
	Address string `json:"dpv:hasAddress,omitempty"`
	Contact string `json:"dpv:hasContact"`
}

// ReceiptRecord is the consent record.
type ReceiptRecord struct {
	Type        string         `json:"@type"`
	ID          string         `json:"dct:identifier"`
	ConformsTo  string         `json:"dct:conformsTo"`
	Tenant      troth.Tenant   `json:"troth:tenant"`
	DataSubject string         `json:"dpv:hasDataSubject"`
	Controller  string         `json:"dpv:hasDataController"`
	Process     ReceiptProcess `json:"dpv:hasProcess"`
	Notice      *ReceiptNotice `json:"dpv:hasNotice,omitempty"`
	Event       ReceiptEvent   `json:"dpv:hasConsentStatus"`
}

// ReceiptProcess is what the processing is.
type ReceiptProcess struct {
	Type       string        `json:"@type"`
	Purpose    troth.Purpose `json:"dpv:hasPurpose"`
	Version    uint32        `json:"schema:version"`
	Title      string        `json:"dct:title"`
	LegalBasis string        `json:"dpv:hasLegalBasis"`
	Data       []string      `json:"dpv:hasPersonalData"`
	Recipients []string      `json:"dpv:hasRecipient"`
	// Storage and Jurisdiction, and Withdraw are absent where the host told nothing.
	Storage      *ReceiptStorage  `json:"dpv:hasStorageCondition,omitempty"`
	Jurisdiction string           `json:"dpv:hasJurisdiction,omitempty"`
	Withdraw     *ReceiptWithdraw `json:"dpv:hasConsentControl,omitempty"`
}

// ReceiptStorage is where data is kept, and for how long, as an ISO 8601 duration.
type ReceiptStorage struct {
	Type      string   `json:"@type"`
	Locations []string `json:"dpv:hasLocation,omitempty"`
	Duration  string   `json:"dpv:hasDuration,omitempty"`
}

// ReceiptWithdraw is where consent is taken back.
type ReceiptWithdraw struct {
	Type  string `json:"@type"`
	Where string `json:"dpv:hasContact"`
}

// ReceiptNotice is what the person was shown.
type ReceiptNotice struct {
	Type     string `json:"@type"`
	ID       string `json:"dct:identifier"`
	Version  uint32 `json:"schema:version"`
	Language string `json:"dct:language"`
	// SHA256 is of the exact text, in hex.
	SHA256 string `json:"troth:sha256"`
}

// ReceiptEvent is what was said, how and when.
type ReceiptEvent struct {
	// Status is a consent status of the vocabulary.
	Status   string       `json:"@type"`
	Kind     Kind         `json:"troth:kind"`
	Given    ReceiptTime  `json:"dct:date"`
	Recorded ReceiptTime  `json:"dct:dateSubmitted"`
	Until    *ReceiptTime `json:"dct:valid,omitempty"`
	Method   Method       `json:"troth:method"`
	Channel  Channel      `json:"troth:channel"`
	// By is whose words it was: the person, or a guardian by their pseudonym.
	By string `json:"dpv:isImplementedByEntity"`
	// Source is where something that was imported comes from.
	Source string `json:"dpv:hasDataSource,omitempty"`
	// Wording is the SHA-256 of the words beside the control, in hex.
	Wording string `json:"troth:wordingSha256,omitempty"`
	// EventHash is the SHA-256 of the stored event, in hex.
	EventHash string `json:"troth:eventSha256"`
}

// ReceiptTime is an instant with microseconds, UTC, in the one way in which
// receipts write it.
type ReceiptTime struct{ time.Time }

const receiptTime = "2006-01-02T15:04:05.000000Z"

// MarshalJSON writes the instant as a string.
func (t ReceiptTime) MarshalJSON() ([]byte, error) {
	return []byte(`"` + t.UTC().Format(receiptTime) + `"`), nil
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (t *ReceiptTime) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) != nil {
		return ErrReceipt
	}
	at, err := time.Parse(receiptTime, s)
	if err != nil {
		return ErrReceipt
	}
	t.Time = at.UTC()
	return nil
}

// consentStatus is the vocabulary's word for a kind of event.
func consentStatus(k Kind) string {
	switch k {
	case Granted, Confirmed, Imported, GuardianAuthorised:
		return "dpv:ConsentGiven"
	case Renewed:
		return "dpv:RenewedConsentGiven"
	case Requested, NoticeServed:
		return "dpv:ConsentRequested"
	case Refused, Declined:
		return "dpv:ConsentRefused"
	case Withdrawn, GuardianWithdrawn:
		return "dpv:ConsentWithdrawn"
	case Expired:
		return "dpv:ConsentExpired"
	case Invalidated:
		return "dpv:ConsentInvalidated"
	default: // objections are no consent, nor its end
		return "dpv:ConsentUnknown"
	}
}

// encode writes the receipt, without its proof if bare is set.
func (r Receipt) encode(bare bool) ([]byte, error) {
	if bare {
		r.Proof = ""
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(r); err != nil {
		return nil, fmt.Errorf("consent: encode receipt: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// receiptDomain is for the hash of receipts.
const receiptDomain = "troth.consent.receipt/1"

// Hash is what the trail commits to: the SHA-256 of the receipt without its proof.
func (r Receipt) Hash() ([32]byte, error) {
	b, err := r.encode(true)
	if err != nil {
		return [32]byte{}, err
	}
	return sha256.Sum256(canon.AppendBytes(canon.AppendDomain(nil, receiptDomain), b)), nil
}

// Marshal writes the receipt as a file: indented JSON.
func (r Receipt) Marshal() ([]byte, error) {
	b, err := r.encode(false)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, b, "", "  "); err != nil {
		return nil, fmt.Errorf("consent: encode receipt: %w", err)
	}
	return append(out.Bytes(), '\n'), nil
}

// ParseReceipt reads a receipt. Layout does not matter; of everything else it
// accepts only what [Receipt.Marshal] writes: every member that it knows, in that
// order, once, and no other. Anything else is [ErrReceipt].
func ParseReceipt(b []byte) (Receipt, error) {
	if len(b) > MaxReceipt {
		return Receipt{}, ErrReceipt
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	var r Receipt
	if d.Decode(&r) != nil || d.More() {
		return Receipt{}, ErrReceipt
	}
	again, err := r.encode(false)
	if err != nil {
		return Receipt{}, ErrReceipt
	}
	var plain bytes.Buffer
	if json.Compact(&plain, b) != nil || !bytes.Equal(plain.Bytes(), again) {
		return Receipt{}, ErrReceipt
	}
	return r, nil
}

// Proven is what the proof of a receipt shows.
type Proven = troth.Proven

// VerifyReceipt checks that a receipt is what the trail recorded: nothing in it was
// changed since. prove verifies the proof that the receipt carries, and returns the
// entry that it proves; this package does not judge proofs. With keys of the log,
// audit.Verifiers that its owner gave away once, it is keys.Proven.
//
// It returns [ErrReceipt] for what cannot be read, or has no proof;
// [ErrReceiptProof] for what is not what was recorded; and errors of prove as they
// are.
func VerifyReceipt(file []byte, prove func(proof []byte) (Proven, error)) (Receipt, error) {
	r, err := ParseReceipt(file)
	if err != nil {
		return Receipt{}, err
	}
	if r.Proof == "" {
		return Receipt{}, fmt.Errorf("%w: it carries no proof", ErrReceipt)
	}
	p, err := prove([]byte(r.Proof))
	if err != nil {
		return Receipt{}, err
	}
	hash, err := r.Hash()
	if err != nil {
		return Receipt{}, err
	}
	event, err := hex.DecodeString(r.Record.Event.EventHash)
	if err != nil || len(event) != len(hash) {
		return Receipt{}, ErrReceiptProof
	}
	if p.Purpose != r.Record.Process.Purpose || !p.Says(actReceipt, r.Record.Tenant, troth.Facts{
		"receipt": troth.Digest(hash), "event": troth.Digest([32]byte(event)),
	}) {
		return Receipt{}, ErrReceiptProof
	}
	return r, nil
}
