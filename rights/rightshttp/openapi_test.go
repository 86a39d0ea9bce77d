package rightshttp

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"net/http"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/rights"
)

var update = flag.Bool("update", false, "write openapi.json again")

type object = map[string]any

// enums are the closed lists that fields of those names are of.
var enums = map[string][]string{
	"right": texts(rights.Rights()), "state": texts(rights.States()), "outcome": texts(rights.Outcomes()),
	"language": {"en", "de", "fr", "es"}, "level": {"none", "low", "reasonable", "high"}, "needs": {"none", "low", "reasonable", "high"},
	"reason": texts(rights.Reasons()), "basis": texts(rights.Reasons()), "stage": {"final", "provisional"}, "kind": texts(rights.ObligationKinds()),
	"for": {"identity", "clarification", "fee"}, "code": slices.Sorted(maps.Keys(problems)),
}

// free are fields of those names that are not closed lists where they stand.
var free = map[string]bool{"code.code": true, "extension.reason": true, "completion.outcome": true, "asking.reason": true}

func texts[T ~string](all []T) (as []string) {
	for _, t := range all {
		as = append(as, string(t))
	}
	return as
}

// schemaOf describes a type as handlers read or write it.
func schemaOf(t reflect.Type, named object) object {
	switch {
	case t == instantType || t == reflect.TypeFor[rights.CertificateTime]():
		return object{"type": "string", "format": "date-time"}
	case t.Kind() == reflect.Pointer:
		return schemaOf(t.Elem(), named)
	case t.Kind() == reflect.Slice:
		return object{"type": "array", "items": schemaOf(t.Elem(), named)}
	case t.Kind() == reflect.Bool:
		return object{"type": "boolean"}
	case t.Kind() == reflect.Uint64 || t.Kind() == reflect.Int:
		return object{"type": "integer", "minimum": 0}
	case t.Kind() == reflect.String:
		return object{"type": "string"}
	}
	name := strings.ToUpper(t.Name()[:1]) + t.Name()[1:]
	if _, has := named[name]; !has {
		properties, required := object{}, []string{}
		for f := range t.Fields() {
			field, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			s := schemaOf(f.Type, named)
			if list, closed := enums[field]; closed && s["type"] == "string" && !free[t.Name()+"."+field] {
				s["enum"] = list
			}
			properties[field] = s
			if needed(f) {
				required = append(required, field)
			}
		}
		s := object{"type": "object", "additionalProperties": false, "properties": properties}
		if len(required) > 0 {
			s["required"] = required
		}
		named[name] = s
	}
	return object{"$ref": "#/components/schemas/" + name}
}

// codesOf are the codes of all problems that a call may answer.
func codesOf(w *route) []string {
	codes := []string{codeUnauthorised}
	if w.page {
		if w.method == http.MethodPost {
			codes = append(codes, codeTooMany)
		}
		return append(codes, codeNotFound)
	}
	codes = append(codes, codeFailed, codeBusy)
	if w.method == http.MethodPost {
		codes = append(codes, codeCrossSite, codeNotJSON, codeMalformed, codeTooLong, codeConflict, codeNotOffered)
		if !w.staff { // who are not limited
			codes = append(codes, codeTooMany)
		}
	}
	if w.staff {
		codes = append(codes, codeForbidden)
	}
	if strings.Contains(w.path, "{id}") {
		codes = append(codes, codeNotFound)
	}
	codes = append(codes, w.codes...)
	return slices.Compact(slices.Sorted(slices.Values(codes)))
}

// describe makes the description of the table of routes.
func describe(t *testing.T) []byte {
	named, paths, answers := object{}, object{}, object{}
	schemaOf(reflect.TypeFor[problem](), named)
	for i := range routes {
		w := &routes[i]
		op := object{"summary": w.summary, "responses": responses(w, named, answers)}
		parameters := []object{}
		for part := range strings.SplitSeq(w.path, "/") {
			if name, is := strings.CutPrefix(part, "{"); is {
				parameters = append(parameters, object{"name": strings.TrimSuffix(name, "}"), "in": "path", "required": true, "schema": object{"type": "string"}})
			}
		}
		for _, q := range w.query {
			parameters = append(parameters, object{"name": q, "in": "query", "schema": object{"type": "string"}})
		}
		if w.method == http.MethodPost && !w.page {
			parameters = append(parameters, object{"name": "Idempotency-Key", "in": "header", "schema": object{
				"type": "string", "minLength": 16, "maxLength": 200, "pattern": "^[!-~]+$",
			}})
		}
		if !w.staff && !w.page {
			parameters = append(parameters, object{"name": "Request-Token", "in": "header", "schema": object{"type": "string"}})
		}
		if len(parameters) > 0 {
			op["parameters"] = parameters
		}
		if w.in != nil {
			op["requestBody"] = object{"required": slices.ContainsFunc(slices.Collect(w.in.Fields()), needed), "content": object{
				"application/json": object{"schema": schemaOf(w.in, named)},
			}}
		}
		if paths[w.path] == nil {
			paths[w.path] = object{}
		}
		paths[w.path].(object)[strings.ToLower(w.method)] = op
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	require.NoError(t, e.Encode(object{
		"openapi": "3.1.0", "info": object{"title": "Requests of people about their data", "version": "2"},
		"paths": paths, "components": object{"schemas": named, "responses": answers},
	}))
	return b.Bytes()
}

func responses(w *route, named, problemsOf object) object {
	all, by := object{}, map[string][]string{}
	for _, code := range codesOf(w) {
		status := strconv.Itoa(problems[code].status)
		by[status] = append(by[status], code)
	}
	for status, codes := range by {
		name := status + "." + strings.Join(codes, ".")
		var titles []string
		for _, c := range codes {
			titles = append(titles, problems[c].title)
		}
		problemsOf[name] = object{
			"description": strings.Join(titles, " "),
			"content": object{"application/problem+json": object{"schema": object{
				"allOf": []object{{"$ref": "#/components/schemas/Problem"}, {"properties": object{"code": object{"enum": codes}}}},
			}}},
		}
		all[status] = object{"$ref": "#/components/responses/" + name}
	}
	if w.page { // what is no ticket is told on a page
		all["404"] = object{"description": problems[codeNotFound].title, "content": object{
			"text/html":                object{},
			"application/problem+json": object{"schema": object{"$ref": "#/components/schemas/Problem"}},
		}}
	}
	done := object{"description": "done"}
	switch {
	case !w.page:
		done["content"] = object{"application/json": object{"schema": schemaOf(w.out, named)}}
	case w.method == http.MethodPost:
		done["content"] = object{"application/octet-stream": object{}}
		for status, why := range map[string]string{"410": "It was used, or its time is over.", "416": "Parts are not given.", "503": "Something failed, and nothing was used."} {
			all[status] = object{"description": why, "content": object{"text/html": object{}}}
		}
	default:
		done["content"] = object{"text/html": object{}}
	}
	all[strconv.Itoa(w.status)] = done
	return all
}

// The file is what the table of routes says, with the types that handlers read and write:
// every path, method, field and code is in both.
func TestOpenAPI_IsWhatTheHandlersAre(t *testing.T) {
	want := describe(t)
	if *update {
		require.NoError(t, os.WriteFile("openapi.json", want, 0o644))
	}
	have, err := os.ReadFile("openapi.json")
	require.NoError(t, err)
	require.Equal(t, string(want), string(have), "run with -update")
	if !*update {
		require.Equal(t, string(have), OpenAPI())
	}
}

// description is the document as it is read.
type description struct {
	Paths      map[string]map[string]operation
	Components struct {
		Schemas   map[string]object
		Responses map[string]answer
	}
}

type operation struct {
	RequestBody struct {
		Content map[string]struct{ Schema object }
	}
	Responses map[string]answer
}

type answer struct {
	Ref     string `json:"$ref"`
	Content map[string]struct{ Schema object }
}

// schema is that of an answer by its status and type; false if there is no such answer.
func (d *description) schema(method, path string, status int, typ string) (object, bool) {
	a, has := d.Paths[path][strings.ToLower(method)].Responses[strconv.Itoa(status)]
	if a.Ref != "" {
		a, has = d.Components.Responses[strings.TrimPrefix(a.Ref, "#/components/responses/")]
	}
	content, described := a.Content[typ]
	return content.Schema, has && described
}

func described(t testing.TB) *description {
	t.Helper()
	var d description
	text, err := os.ReadFile("openapi.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &d))
	return &d
}

// fits reports where a value is not as a schema says; empty if it is.
func (d *description) fits(s object, v any, at string) string {
	if ref, is := s["$ref"].(string); is {
		return d.fits(d.Components.Schemas[strings.TrimPrefix(ref, "#/components/schemas/")], v, at)
	}
	for _, part := range items(s["allOf"]) {
		if bad := d.fits(part.(object), v, at); bad != "" {
			return bad
		}
	}
	if e, closed := s["enum"]; closed && !slices.Contains(items(e), v) {
		return at + ": not of the list"
	}
	is := map[string]bool{}
	switch v := v.(type) {
	case object:
		is["object"] = true
		if bad := d.fitsFields(s, v, at); bad != "" {
			return bad
		}
	case []any:
		is["array"] = true
		for i, item := range v {
			if bad := d.fits(s["items"].(object), item, at+"["+strconv.Itoa(i)+"]"); bad != "" {
				return bad
			}
		}
	case string:
		is["string"] = true
		if _, err := time.Parse(time.RFC3339Nano, v); s["format"] == "date-time" && err != nil {
			return at + ": no instant"
		}
	case bool:
		is["boolean"] = true
	case float64:
		is["integer"] = v >= 0 && v == float64(int64(v))
	}
	if typ, has := s["type"].(string); has && !is[typ] {
		return at + ": not of the type " + typ
	}
	return ""
}

func (d *description) fitsFields(s, v object, at string) string {
	properties, _ := s["properties"].(object)
	for name, value := range v {
		p, has := properties[name].(object)
		switch {
		case has:
			if bad := d.fits(p, value, at+"."+name); bad != "" {
				return bad
			}
		case s["additionalProperties"] != nil: // which is only ever said where there are none
			return at + "." + name + ": not described"
		}
	}
	for _, name := range items(s["required"]) {
		if _, has := v[name.(string)]; !has {
			return at + "." + name.(string) + ": missing"
		}
	}
	return ""
}

func items(v any) []any { l, _ := v.([]any); return l }

// pattern is what paths of a route look like.
func (w *route) pattern() *regexp.Regexp {
	return regexp.MustCompile("^" + regexp.MustCompile(`\{[a-z]+\}`).ReplaceAllString(w.path, "[^/]+") + "$")
}
