package export

import (
	"bytes"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/trothdev/troth"
)

// Format names the format of archives, and its version.
const Format = "troth.export/1"

// SchemaURL is what manifests name as their JSON Schema; [Schema] is its text.
const SchemaURL = "https://github.com/trothdev/troth/blob/main/rights/export/manifest.schema.json"

//go:embed manifest.schema.json
var schema string

// Schema returns the JSON Schema (2020-12) of manifests.
func Schema() string { return schema }

// Manifest is the list of what an archive holds, and of what it does not.
type Manifest struct {
	Schema string `json:"$schema"`
	Format string `json:"format"`
	// ID is random, and different for each archive.
	ID      string  `json:"id"`
	Created Instant `json:"created"`
	// Controller is who answers for the data, in its own words.
	Controller string       `json:"controller"`
	Tenant     troth.Tenant `json:"tenant"`
	SubjectID  string       `json:"subject"`
	// Request is the request that the archive answers.
	Request  string `json:"request"`
	Language string `json:"language"`
	// Information is whether the information sheet is there: [SheetComplete],
	// [SheetIncomplete] with the parts that it lacks, or [SheetNone].
	Information      SheetStatus `json:"information"`
	InformationLacks []SheetPart `json:"information_lacks,omitempty"`
	// Records is how many records there are.
	Records uint64         `json:"records"`
	Sources []SourceReport `json:"sources"`
	// Files are in the order of the archive, without the manifest and its signature.
	Files []FileReport `json:"files"`
	// Packed are the bytes of the ZIP in front of the manifest.
	Packed Packed `json:"packed"`
}

// SourceReport is what there is of a source.
type SourceReport struct {
	Name   string `json:"name"`
	Title  string `json:"title,omitempty"`
	Status Status `json:"status"`
	// Reason is why something is missing, for [Partial] and [Absent].
	Reason  Reason       `json:"reason,omitempty"`
	Records uint64       `json:"records"`
	Types   []TypeReport `json:"types"`
}

// TypeReport is what there is of a type.
type TypeReport struct {
	Name     string         `json:"name"`
	Title    string         `json:"title,omitempty"`
	Purpose  troth.Purpose  `json:"purpose,omitempty"`
	Category string         `json:"category,omitempty"`
	Records  uint64         `json:"records"`
	Columns  []ColumnReport `json:"columns"`
	// Table is the path of the CSV, Lines that of the JSON Lines.
	Table string `json:"table"`
	Lines string `json:"lines"`
	// Redactions are sorted by field and reason.
	Redactions []Redaction `json:"redactions"`
}

// ColumnReport describes a column.
type ColumnReport struct {
	Name     string        `json:"name"`
	Title    string        `json:"title,omitempty"`
	Purpose  troth.Purpose `json:"purpose,omitempty"`
	Category string        `json:"category,omitempty"`
}

// Redaction is how often a field was kept back for a reason.
type Redaction struct {
	Field  string `json:"field"`
	Reason Reason `json:"reason"`
	Count  uint64 `json:"count"`
}

// FileKind is what a file is for.
type FileKind string

// The kinds of files.
const (
	TableFile      FileKind = "table"
	LinesFile      FileKind = "lines"
	AttachmentFile FileKind = "attachment"
	PageFile       FileKind = "page"
	SheetFile      FileKind = "information"
)

// FileReport is one file.
type FileReport struct {
	Path    string   `json:"path"`
	Kind    FileKind `json:"kind"`
	Size    uint64   `json:"size"`
	SHA256  Hash     `json:"sha256"`
	Records uint64   `json:"records,omitempty"`
}

// Packed is a beginning of the ZIP: its length in bytes, and its hash.
type Packed struct {
	Bytes  uint64 `json:"bytes"`
	SHA256 Hash   `json:"sha256"`
}

// Redactions returns how many values were kept back.
func (m *Manifest) Redactions() (n uint64) {
	for i := range m.Sources {
		for j := range m.Sources[i].Types {
			for _, r := range m.Sources[i].Types[j].Redactions {
				n += r.Count
			}
		}
	}
	return n
}

// Missing returns the sources of which something is not there.
func (m *Manifest) Missing() (missing []SourceReport) {
	for _, s := range m.Sources {
		if s.Status == Partial || s.Status == Absent {
			missing = append(missing, s)
		}
	}
	return missing
}

// Hash is a SHA-256, in hexadecimal digits where it is text.
type Hash [32]byte

// String gives lower-case digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText gives lower-case digits.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (h *Hash) UnmarshalText(text []byte) error {
	b, err := hex.DecodeString(string(text))
	if err != nil || len(b) != len(h) {
		return broken(manifestPath, "it has a hash that is none")
	}
	copy(h[:], b)
	return nil
}

// Instant is an instant to the microsecond, UTC.
type Instant struct{ time.Time }

// MarshalText writes RFC 3339 with six digits behind the second, and Z.
func (t Instant) MarshalText() ([]byte, error) { return []byte(t.UTC().Format(instantForm)), nil }

// MarshalJSON is MarshalText.
func (t Instant) MarshalJSON() ([]byte, error) {
	return []byte(`"` + t.UTC().Format(instantForm) + `"`), nil
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (t *Instant) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) != nil {
		return broken(manifestPath, "it has an instant that is none")
	}
	at, err := time.Parse(instantForm, s)
	if err != nil {
		return broken(manifestPath, "it has an instant that is none")
	}
	t.Time = at.UTC()
	return nil
}

// maxManifest is the longest manifest that is read.
const maxManifest = 64 << 20

// encode writes the manifest in its one form.
func (m *Manifest) encode() ([]byte, error) { return encodeJSON(m) }

func encodeJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("export: encode: %w", err)
	}
	return b.Bytes(), nil
}

// parseManifest accepts only what encode writes.
func parseManifest(b []byte) (*Manifest, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	m := new(Manifest)
	if d.Decode(m) != nil {
		return nil, broken(manifestPath, "it cannot be read")
	}
	again, err := m.encode()
	if err != nil || !bytes.Equal(again, b) {
		return nil, broken(manifestPath, "it is not as written")
	}
	if m.Format != Format || m.Schema != SchemaURL {
		return nil, broken(manifestPath, "it is of another format")
	}
	return m, nil
}
