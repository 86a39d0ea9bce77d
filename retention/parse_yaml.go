package retention

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// ParseYAML reads a policy from YAML, for people who write one: the same fields,
// with comments. JSON is the contract, so the text is brought to JSON and read by
// [Parse], and YAML is taken only as far as JSON goes: one document of mappings,
// lists, text, whole numbers, true and false; no anchors, aliases, tags or merges.
// A date needs no quotes. The error is a *[PolicyError].
func ParseYAML(text []byte) (*Policy, error) {
	if len(text) > MaxText {
		return nil, &PolicyError{Err: fmt.Errorf("more than %d bytes", MaxText)}
	}
	if !utf8.Valid(text) {
		return nil, &PolicyError{Problem: "text is not UTF-8"}
	}
	asJSON, err := yamlToJSON(text)
	if err != nil {
		return nil, &PolicyError{Problem: "not YAML as policies have it", Err: err}
	}
	return Parse(asJSON)
}

func yamlToJSON(text []byte) ([]byte, error) {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var doc, more yaml.Node
	if err := dec.Decode(&doc); err != nil {
		return nil, err
	}
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, errors.New("something stands behind the policy")
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 {
		return nil, errors.New("no document")
	}
	return appendNode(nil, doc.Content[0], maxDepth)
}

// appendNode appends a node as JSON. Whether a key stands twice is for Parse to
// see, which it can since both are written.
func appendNode(b []byte, n *yaml.Node, depth int) ([]byte, error) {
	if depth < 0 {
		return nil, errors.New("nested too deep")
	}
	if n.Anchor != "" || n.Kind == yaml.AliasNode || n.Style&yaml.TaggedStyle != 0 {
		return nil, fmt.Errorf("line %d: anchors, aliases and tags are not taken", n.Line)
	}
	switch n.Kind {
	case yaml.MappingNode:
		return appendMapping(b, n, depth)
	case yaml.SequenceNode:
		return appendSequence(b, n, depth)
	case yaml.ScalarNode:
		return appendScalar(b, n)
	default:
		return nil, fmt.Errorf("line %d: unknown kind of node", n.Line)
	}
}

func appendMapping(b []byte, n *yaml.Node, depth int) (_ []byte, err error) {
	b = append(b, '{')
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind != yaml.ScalarNode || key.Anchor != "" || key.Style&yaml.TaggedStyle != 0 || key.ShortTag() == "!!merge" {
			return nil, fmt.Errorf("line %d: want a plain name", key.Line)
		}
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = appendText(b, key.Value); err != nil {
			return nil, err
		}
		b = append(b, ':')
		if b, err = appendNode(b, n.Content[i+1], depth-1); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

func appendSequence(b []byte, n *yaml.Node, depth int) (_ []byte, err error) {
	b = append(b, '[')
	for i, item := range n.Content {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = appendNode(b, item, depth-1); err != nil {
			return nil, err
		}
	}
	return append(b, ']'), nil
}

func appendScalar(b []byte, n *yaml.Node) ([]byte, error) {
	switch tag := n.ShortTag(); tag {
	case "!!str", "!!timestamp":
		return appendText(b, n.Value)
	case "!!bool":
		if n.Value == "true" || n.Value == "false" {
			return append(b, n.Value...), nil
		}
	case "!!int":
		number, err := strconv.ParseUint(n.Value, 10, 32)
		if err == nil && strconv.FormatUint(number, 10) == n.Value {
			return append(b, n.Value...), nil
		}
	case "!!null":
		return append(b, "null"...), nil
	}
	return nil, fmt.Errorf("line %d: want text, a whole number, true or false", n.Line)
}

func appendText(b []byte, text string) ([]byte, error) {
	quoted, err := json.Marshal(text)
	if err != nil {
		return nil, err
	}
	return append(b, quoted...), nil
}
