package deadline

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// schemaChecker checks documents against the part of JSON Schema that
// schema.json uses. A keyword that it does not know is an error, so that the
// schema cannot say more than is tested.
type schemaChecker struct{ root map[string]any }

func newSchemaChecker(t *testing.T) schemaChecker {
	t.Helper()
	var root map[string]any
	require.NoError(t, json.Unmarshal([]byte(Schema()), &root))
	return schemaChecker{root: root}
}

// accepts reports the first violation of a document, or nil.
func (c schemaChecker) accepts(text []byte) error {
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		return err
	}
	return c.check(c.root, v, "$")
}

func (c schemaChecker) check(schema map[string]any, v any, at string) error {
	for key, want := range schema {
		if err := c.keyword(schema, key, want, v, at); err != nil {
			return err
		}
	}
	return nil
}

func (c schemaChecker) keyword(schema map[string]any, key string, want, v any, at string) error {
	bad := func() error { return fmt.Errorf("%s: %s", at, key) }
	text, isText := v.(string)
	number, isNumber := v.(float64)
	list, isList := v.([]any)
	object, isObject := v.(map[string]any)
	failed := false
	switch key {
	case "$schema", "$id", "$defs", "title", "description":
	case "$ref":
		name := strings.TrimPrefix(want.(string), "#/$defs/")
		return c.check(c.root["$defs"].(map[string]any)[name].(map[string]any), v, at)
	case "type":
		failed = !map[string]bool{
			"string": isText, "array": isList, "object": isObject,
			"integer": isNumber && number == float64(int(number)),
		}[want.(string)]
	case "const":
		failed = v != want
	case "enum":
		failed = !slices.ContainsFunc(want.([]any), func(w any) bool { return reflect.DeepEqual(w, v) })
	case "pattern":
		failed = isText && !regexp.MustCompile(want.(string)).MatchString(text)
	case "minLength":
		failed = isText && float64(len([]rune(text))) < want.(float64)
	case "maxLength":
		failed = isText && float64(len([]rune(text))) > want.(float64)
	case "minimum":
		failed = isNumber && number < want.(float64)
	case "maximum":
		failed = isNumber && number > want.(float64)
	case "minItems":
		failed = isList && float64(len(list)) < want.(float64)
	case "maxItems":
		failed = isList && float64(len(list)) > want.(float64)
	case "items":
		for i, item := range list {
			if err := c.check(want.(map[string]any), item, fmt.Sprintf("%s[%d]", at, i)); err != nil {
				return err
			}
		}
	case "required":
		for _, name := range want.([]any) {
			_, ok := object[name.(string)]
			failed = failed || isObject && !ok
		}
	case "properties":
		for name, sub := range want.(map[string]any) {
			if item, ok := object[name]; ok {
				if err := c.check(sub.(map[string]any), item, at+"."+name); err != nil {
					return err
				}
			}
		}
	case "additionalProperties":
		for name := range object {
			_, known := schema["properties"].(map[string]any)[name]
			failed = failed || !known
		}
	case "anyOf":
		failed = !slices.ContainsFunc(want.([]any), func(sub any) bool {
			return c.check(sub.(map[string]any), v, at) == nil
		})
	default:
		return fmt.Errorf("the checker does not know %q", key)
	}
	if failed {
		return bad()
	}
	return nil
}

func TestSchema_AcceptsEveryShippedSet(t *testing.T) {
	checker := newSchemaChecker(t)
	entries, err := data.ReadDir("data")
	require.NoError(t, err)
	require.Len(t, entries, len(Shipped()))
	for _, e := range entries {
		text, err := data.ReadFile("data/" + e.Name())
		require.NoError(t, err)
		require.NoError(t, checker.accepts(text), e.Name())
	}
}

func TestSchema_HasTheEnumerationsOfTheCode(t *testing.T) {
	var root struct {
		Defs map[string]struct {
			Enum       []string
			Properties map[string]struct{ Enum []string }
		} `json:"$defs"`
	}
	require.NoError(t, json.Unmarshal([]byte(Schema()), &root))
	for _, of := range []string{"rule", "template"} {
		p := root.Defs[of].Properties
		requireEnum(t, kinds, p["kind"].Enum)
		requireEnum(t, senses, p["sense"].Enum)
		requireEnum(t, firstDays, p["first_day"].Enum)
		requireEnum(t, rolls, p["roll"].Enum)
	}
	requireEnum(t, duties, root.Defs["rule"].Properties["duty"].Enum)
	requireEnum(t, confidences, root.Defs["rule"].Properties["confidence"].Enum)
	requireEnum(t, chains, root.Defs["extension"].Properties["chain"].Enum)
	requireEnum(t, pauseDays, root.Defs["pause"].Properties["days"].Enum)
	requireEnum(t, readings, root.Defs["doubt"].Properties["reading"].Enum)
	requireEnum(t, eventTypes, root.Defs["event"].Enum)
	for _, k := range kinds {
		require.NotEmpty(t, k.Clock(), k)
	}
}

func requireEnum[T ~string](t *testing.T, code []T, schema []string) {
	t.Helper()
	require.NotEmpty(t, schema)
	got := make([]string, len(code))
	for i, c := range code {
		got[i] = string(c)
	}
	require.Equal(t, got, schema)
}
