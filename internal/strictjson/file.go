package strictjson

import (
	"bytes"
	"encoding/json"
	"time"
)

// Encode writes a value in the one way that [Decode] accepts, but for the layout.
func Encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// EncodeFile does the same for a file that people read: indented, with a line's end.
func EncodeFile(v any) ([]byte, error) {
	b, err := Encode(v)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, b, "", "  "); err != nil {
		return nil, err
	}
	return append(out.Bytes(), '\n'), nil
}

// Decode reads a value into the pointer v, and reports whether the text is what
// [Encode] writes of it. Layout does not matter; of everything else it accepts no
// other: every member that the type knows, in that order, once.
func Decode(text []byte, v any) bool {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if d.Decode(v) != nil || d.More() {
		return false
	}
	again, err := Encode(v)
	if err != nil {
		return false
	}
	var plain bytes.Buffer
	return json.Compact(&plain, text) == nil && bytes.Equal(plain.Bytes(), again)
}

// instant has microseconds, and is in UTC.
const instant = "2006-01-02T15:04:05.000000Z"

// EncodeTime writes an instant as a string.
func EncodeTime(t time.Time) []byte { return []byte(`"` + t.UTC().Format(instant) + `"`) }

// DecodeTime reads what [EncodeTime] wrote.
func DecodeTime(text []byte) (t time.Time, ok bool) {
	var s string
	if json.Unmarshal(text, &s) != nil {
		return time.Time{}, false
	}
	at, err := time.Parse(instant, s)
	return at.UTC(), err == nil
}
