package retention

import (
	"bytes"
	_ "embed" // for the schema
	"encoding/json"
	"fmt"
	"strings"

	"github.com/trothdev/troth/deadline"
	"github.com/trothdev/troth/internal/strictjson"
)

// MaxText is the longest text of a policy, in bytes.
const MaxText = 1 << 20

// maxDepth is how deep a policy is nested: its object, the list of classes, a
// class, its stages, a stage, its copies; and one to spare.
const maxDepth = 7

//go:embed schema.json
var schema string

// Schema returns the JSON Schema (2020-12) of policies. [Parse] refuses what it
// refuses, and more: ids that name nothing, dates that do not exist, periods of
// which nobody could say when they end.
func Schema() string { return schema }

// Parse reads a policy from JSON, strictly: every field is known and stands once,
// none is null or empty, every word stands in its enumeration, and what is named
// is there. The error is a *[PolicyError].
func Parse(text []byte) (*Policy, error) {
	if err := strictjson.Check(text, strictjson.Limits{Bytes: MaxText, Depth: maxDepth}); err != nil {
		return nil, &PolicyError{Err: err}
	}
	if err := (spelling{json.NewDecoder(bytes.NewReader(text))}).value("", ""); err != nil {
		return nil, err
	}
	p := new(Policy)
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(p); err != nil {
		return nil, &PolicyError{Problem: "not a policy", Err: err}
	}
	if err := p.Validate(); err != nil {
		return nil, err
	}
	return p, nil
}

// spelling finds what the decoder would refuse without saying where: periods and days
// that are not written as such, and periods of no length, which would read as absent ones.
type spelling struct{ dec *json.Decoder }

// value reads one value, which stands at a place as the value of a field.
func (s spelling) value(where, field string) error {
	token, err := s.dec.Token()
	if err != nil {
		return err
	}
	switch token := token.(type) {
	case json.Delim:
		for i := 0; s.dec.More(); i++ {
			inside, name := fmt.Sprintf("%s[%d]", where, i), field
			if token == '{' {
				key, err := s.dec.Token()
				if err != nil {
					return err
				}
				name, _ = key.(string)
				inside = strings.TrimPrefix(where+"."+name, ".")
			}
			if err := s.value(inside, name); err != nil {
				return err
			}
		}
		_, err = s.dec.Token()
		return err
	case string:
		return misspelt(token, where, field)
	}
	return nil
}

// misspelt says what is wrong with a period or a day; nil for all that is neither.
func misspelt(text, where, field string) error {
	switch field {
	case "sweep", "retry", "for", "lag", "rotation", "within":
		p, err := deadline.ParsePeriod(text)
		if err != nil {
			return &PolicyError{Where: where, Problem: "want a period, such as P30D, P3M or PT72H"}
		}
		if p.IsZero() {
			return &PolicyError{Where: where, Problem: "is a period of no length"}
		}
	case "effective", "review":
		if _, err := deadline.ParseDate(text); err != nil {
			return &PolicyError{Where: where, Problem: "want a day, such as 2026-01-31"}
		}
	}
	return nil
}
