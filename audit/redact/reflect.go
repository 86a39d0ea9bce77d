package redact

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// reflected reads v as JSON, once, and returns what it found as fields of plain
// types. It replaces what has no JSON form.
func (r *rules) reflected(key string, v any, depth int) zapcore.Field {
	switch v := v.(type) {
	case nil:
		return zapcore.Field{Key: key, Type: zapcore.ReflectType}
	case bool:
		return zap.Bool(key, v)
	case string:
		return zap.String(key, r.text(v))
	}
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return zap.String(key, Unreadable)
	}
	dec := json.NewDecoder(&text)
	dec.UseNumber()
	f, err := r.json(dec, key, depth)
	if err != nil {
		return zap.String(key, Unreadable)
	}
	return f
}

// json returns the next value of dec, redacted.
func (r *rules) json(dec *json.Decoder, key string, depth int) (zapcore.Field, error) {
	token, err := dec.Token()
	if err != nil {
		return zapcore.Field{}, err
	}
	switch t := token.(type) {
	case json.Delim:
		if depth >= maxDepth {
			return zapcore.Field{}, errTooDeep
		}
		if t == '{' {
			return r.jsonObject(dec, key, depth+1)
		}
		return r.jsonArray(dec, key, depth+1)
	case json.Number:
		return r.jsonNumber(key, t), nil
	case string:
		return zap.String(key, r.jsonText(t)), nil
	case bool:
		return zap.Bool(key, t), nil
	}
	return zapcore.Field{Key: key, Type: zapcore.ReflectType}, nil // null
}

// jsonDeclared passes over a declared value.
func (r *rules) jsonDeclared(dec *json.Decoder, key string, _ int) (zapcore.Field, error) {
	var value any
	if err := dec.Decode(&value); err != nil {
		return zapcore.Field{}, err
	}
	f := zapcore.Field{Type: zapcore.ReflectType, Interface: value}
	return zap.String(key, r.markDeclared(f)), nil
}

func (r *rules) jsonObject(dec *json.Decoder, key string, depth int) (zapcore.Field, error) {
	fields := object{}
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return zapcore.Field{}, err
		}
		name, _ := token.(string) // the decoder gives no other
		read := r.json
		if r.declared(name) {
			read = r.jsonDeclared
		}
		f, err := read(dec, r.text(name), depth)
		if err != nil {
			return zapcore.Field{}, err
		}
		fields = append(fields, f)
	}
	_, err := dec.Token()
	return zapcore.Field{Key: key, Type: zapcore.ObjectMarshalerType, Interface: fields}, err
}

func (r *rules) jsonArray(dec *json.Decoder, key string, depth int) (zapcore.Field, error) {
	elements := array{}
	for dec.More() {
		f, err := r.json(dec, "", depth)
		if err != nil {
			return zapcore.Field{}, err
		}
		elements = append(elements, f)
	}
	_, err := dec.Token()
	return zapcore.Field{Key: key, Type: zapcore.ArrayMarshalerType, Interface: elements}, err
}

// jsonNumber keeps a number as it is written; whole ones get a type of zap's.
func (r *rules) jsonNumber(key string, n json.Number) zapcore.Field {
	digits := n.String()
	if v, err := n.Float64(); err == nil && strings.ContainsAny(digits, ".eE") {
		f := zap.Float64("", v)
		digits = number(f)
	}
	if isCard(digits) {
		return zap.String(key, r.mark(Card, digits))
	}
	if v, err := n.Int64(); err == nil && strconv.FormatInt(v, 10) == n.String() {
		return zap.Int64(key, v)
	}
	return zapcore.Field{Key: key, Type: zapcore.ReflectType, Interface: n}
}

// jsonText masks a string, and replaces bytes in which there are shapes: JSON
// writes bytes in base64.
func (r *rules) jsonText(s string) string {
	if raw, err := base64.StdEncoding.DecodeString(s); err == nil {
		if r.text(string(raw)) != string(raw) {
			return Redacted
		}
	}
	return r.text(s)
}
