package deadline

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// maxSet bounds the size of a set, and maxDepth how deep its JSON is nested.
const (
	maxSet   = 4 << 20
	maxDepth = 8
)

// strictJSON refuses what encoding/json lets through: keys that stand twice or
// differ in case from a field's name, null, and text that is not UTF-8. What is
// empty is refused as well, so that absent is the only way to say nothing.
func strictJSON(text []byte) error {
	if len(text) > maxSet {
		return fmt.Errorf("more than %d bytes", maxSet)
	}
	if !utf8.Valid(text) {
		return errors.New("text is not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if err := strictValue(dec, 0); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something stands behind the set")
	}
	return nil
}

func strictValue(dec *json.Decoder, depth int) error {
	token, err := dec.Token()
	if err != nil {
		return fmt.Errorf("not JSON: %w", err)
	}
	switch token {
	case nil:
		return errors.New("null where a value belongs")
	case "":
		return errors.New("an empty string where text belongs")
	case json.Delim('{'), json.Delim('['):
		if depth == maxDepth {
			return errors.New("nested too deep")
		}
		if token == json.Delim('{') {
			err = strictObject(dec, depth+1)
		} else {
			err = strictArray(dec, depth+1)
		}
	}
	return err
}

func strictArray(dec *json.Decoder, depth int) error {
	if !dec.More() {
		return errors.New("an empty list")
	}
	for dec.More() {
		if err := strictValue(dec, depth); err != nil {
			return err
		}
	}
	return closing(dec)
}

func strictObject(dec *json.Decoder, depth int) error {
	seen := map[string]bool{}
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return fmt.Errorf("not JSON: %w", err)
		}
		key, ok := token.(string)
		if !ok || !fieldName(key) {
			return errors.New("a name that no field has")
		}
		if seen[key] {
			return fmt.Errorf("field %q stands twice", key)
		}
		seen[key] = true
		if err := strictValue(dec, depth); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	return closing(dec)
}

func closing(dec *json.Decoder) error {
	if _, err := dec.Token(); err != nil {
		return fmt.Errorf("not JSON: %w", err)
	}
	return nil
}

// fieldName reports whether a key is of lower-case letters and underscores, as
// all names of fields are. Among those, encoding/json's comparison without case
// is the exact one.
func fieldName(key string) bool {
	for i := range len(key) {
		if c := key[i]; c != '_' && (c < 'a' || 'z' < c) {
			return false
		}
	}
	return key != ""
}
