// Package strictjson refuses what encoding/json lets through: keys that stand
// twice or differ in case from a field's name, null, text that is not UTF-8, and
// anything empty, so that absent is the only way to say nothing. Unknown fields are
// for the decoder that follows.
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// Limits bound a text.
type Limits struct {
	// Bytes is the longest text, Depth the deepest nesting of lists and objects.
	Bytes, Depth int
}

// Check returns why a text is not one value of JSON within the limits.
func Check(text []byte, limits Limits) error {
	if len(text) > limits.Bytes {
		return fmt.Errorf("more than %d bytes", limits.Bytes)
	}
	if !utf8.Valid(text) {
		return errors.New("text is not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if err := value(dec, limits.Depth); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something stands behind the value")
	}
	return nil
}

// value reads one value that may be nested depth times.
func value(dec *json.Decoder, depth int) error {
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
		if depth == 0 {
			return errors.New("nested too deep")
		}
		if token == json.Delim('{') {
			err = object(dec, depth-1)
		} else {
			err = list(dec, depth-1)
		}
	}
	return err
}

func list(dec *json.Decoder, depth int) error {
	if !dec.More() {
		return errors.New("an empty list")
	}
	for dec.More() {
		if err := value(dec, depth); err != nil {
			return err
		}
	}
	return closing(dec)
}

func object(dec *json.Decoder, depth int) error {
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
		if err := value(dec, depth); err != nil {
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
