package rightshttp

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"
)

// maxBody is the longest body, in bytes.
const maxBody = 256 << 10

func isJSON(r *http.Request) bool {
	t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && t == "application/json"
}

// readBody reads the body of a call; none is an empty object.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		return nil, errTooLong
	}
	if err != nil {
		return nil, errMalformed
	}
	if len(body) == 0 {
		body = []byte("{}")
	}
	return body, nil
}

// decode reads a body strictly: UTF-8, one value, of the form of what it is read into. A
// name stands in an object once and as it is described, what is needed is there, and
// nothing is null.
func decode(body []byte, into any) error {
	if !utf8.Valid(body) {
		return errMalformed
	}
	d := json.NewDecoder(bytes.NewReader(body))
	if !formed(d, reflect.TypeOf(into).Elem()) {
		return errMalformed
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errMalformed
	}
	if json.Unmarshal(body, into) != nil {
		return errMalformed
	}
	return nil
}

var instantType = reflect.TypeFor[time.Time]()

// formed reports whether the next value is of the form of a type. It goes no deeper than
// the type does.
func formed(d *json.Decoder, t reflect.Type) bool {
	token, err := d.Token()
	if err != nil {
		return false
	}
	open, is := token.(json.Delim)
	switch {
	case t.Kind() == reflect.Struct && t != instantType:
		return is && open == '{' && formedFields(d, t)
	case t.Kind() == reflect.Slice:
		if !is || open != '[' {
			return false
		}
		for d.More() {
			if !formed(d, t.Elem()) {
				return false
			}
		}
		_, err := d.Token()
		return err == nil
	}
	return !is && token != nil
}

func formedFields(d *json.Decoder, t reflect.Type) bool {
	seen := map[string]bool{}
	for d.More() {
		token, err := d.Token()
		name, text := token.(string)
		if err != nil || !text || seen[name] {
			return false
		}
		seen[name] = true
		field, has := fieldOf(t, name)
		if !has || !formed(d, field) {
			return false
		}
	}
	for f := range t.Fields() {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); needed(f) && !seen[name] {
			return false
		}
	}
	_, err := d.Token()
	return err == nil
}

// needed reports whether a field must be there: whatever is not optional.
func needed(f reflect.StructField) bool { return !strings.Contains(f.Tag.Get("json"), ",omit") }

// fieldOf is the type of a field by its name in JSON.
func fieldOf(t reflect.Type, name string) (reflect.Type, bool) {
	for f := range t.Fields() {
		if tag, _, _ := strings.Cut(f.Tag.Get("json"), ","); tag == name {
			if f.Type.Kind() == reflect.Pointer {
				return f.Type.Elem(), true
			}
			return f.Type, true
		}
	}
	return nil, false
}

func writeJSON(w http.ResponseWriter, status int, text []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// It was only written to the client: there is nobody to tell of an error.
	_, _ = w.Write(append(text, '\n'))
}

func writeProblem(w http.ResponseWriter, code string) {
	p := problems[code]
	text, err := json.Marshal(problem{problemPage + code, p.title, p.status, code})
	if err != nil { // texts of our own: cannot be
		panic(err)
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.status)
	_, _ = w.Write(append(text, '\n')) // as above
}
