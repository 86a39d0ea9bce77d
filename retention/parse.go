package retention

import (
	"bytes"
	_ "embed" // for the schema
	"encoding/json"
	"slices"

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
	if err := noZeros(text); err != nil {
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

// noZeros refuses periods of no length, which would read as absent ones: what is
// wanted at once says so in other words.
func noZeros(text []byte) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	last := ""
	for {
		token, err := dec.Token()
		if err != nil {
			return nil //nolint:nilerr // the text was checked before, so this is its end
		}
		word, _ := token.(string)
		if word == "P0D" && slices.Contains([]string{"sweep", "retry", "for", "lag", "rotation", "within"}, last) {
			return &PolicyError{Where: last, Problem: "is a period of no length"}
		}
		last = word
	}
}
