package strictjson_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/internal/strictjson"
)

func TestCheck(t *testing.T) {
	limits := strictjson.Limits{Bytes: 1000, Depth: 3}
	for _, good := range []string{`1`, `"a"`, ` {"a":[{"b_c":true}]} `, `[1,[2,[3]]]`, `false`} {
		require.NoError(t, strictjson.Check([]byte(good), limits), good)
	}
	for name, bad := range map[string]string{
		"nothing":           ``,
		"null":              `null`,
		"null in a list":    `[null]`,
		"empty text":        `{"a":""}`,
		"an empty list":     `{"a":[]}`,
		"a key twice":       `{"a":1,"a":1}`,
		"a key in capitals": `{"A":1}`,
		"an empty key":      `{"":1}`,
		"a key in Turkish":  `{"ı":1}`,
		"too deep":          `[[[[1]]]]`,
		"two values":        `1 2`,
		"an open object":    `{"a":1`,
		"an open list":      `[1`,
		"no JSON":           `{a:1}`,
		"too long":          strings.Repeat(" ", 1000) + "1",
		"no UTF-8":          "\"\xff\"",
		"deep without end":  strings.Repeat("[", 900),
	} {
		require.Error(t, strictjson.Check([]byte(bad), limits), name)
	}
}
