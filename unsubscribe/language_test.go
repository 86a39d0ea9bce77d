package unsubscribe

import (
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPickLanguage(t *testing.T) {
	have := map[string]bool{"en": true, "de": true, "fr": true, "es": true, "pt-br": true}
	for header, want := range map[string]string{
		"":                                       "en",
		"de":                                     "de",
		"DE-ch":                                  "de",
		"de-CH-1996, en":                         "de",
		"nl, fr;q=0.5, de;q=0.7":                 "de",
		"nl, fr;q=0.5, de;q=0.5":                 "fr",
		"fr;q=0, de;q=0.1":                       "de",
		"pt-BR":                                  "pt-br",
		"pt":                                     "en",
		"*":                                      "en",
		"ja, *;q=0.5, de;q=0.1":                  "en",
		"de;q=x, fr":                             "fr",
		"de;q=7, fr":                             "fr",
		"de;q=NaN, fr":                           "fr",
		"de;q=-1, fr":                            "fr",
		",,;q=1,fr":                              "fr",
		"de-x-private, fr":                       "de",
		"\"><script>, fr":                        "fr",
		strings.Repeat("xx,", 20) + "de":         "en",
		"de," + strings.Repeat("xx,", 500):       "en",
		" es-419 ; q=0.8 , fr-CA ; q=0.9":        "fr",
		"zh-Hant-TW;q=1.0, es-ES;q=0.3,en;q=0.2": "es",
	} {
		require.Equal(t, want, pickLanguage(header, func(tag string) bool { return have[tag] }, "en"), "%q", header)
	}
}

// Every text is there in every language, and no name is lost in translation.
func TestShippedTexts_AreComplete(t *testing.T) {
	all := ShippedTexts()
	_, err := all.lower()
	require.NoError(t, err)
	require.Subset(t, keysOf(all), []string{"en", "de", "fr", "es"})
	en := reflect.ValueOf(all["en"])
	for tag, texts := range all {
		v := reflect.ValueOf(texts)
		for i := range v.NumField() {
			name, text := v.Type().Field(i).Name, v.Field(i).String()
			for _, put := range []string{"{sender}", "{list}", "{company}", "{minutes}"} {
				require.Equal(t, strings.Count(en.Field(i).String(), put), strings.Count(text, put), "%s %s %s", tag, name, put)
			}
			require.Equal(t, strings.TrimSpace(text), text)
			if tag != "en" && name != "UndoButton" {
				require.NotEqual(t, en.Field(i).String(), text, "%s %s is English", tag, name)
			}
		}
	}
	delete(all, "en")
	require.Contains(t, ShippedTexts(), "en", "the map is the caller's")
}

func TestCatalogue_RefusesHalfALanguage(t *testing.T) {
	all := ShippedTexts()
	nl := all["en"]
	nl.Undone = ""
	all["nl"] = nl
	_, err := all.lower()
	require.ErrorContains(t, err, "Undone")
	_, err = Catalogue{`x" onload="`: all["en"]}.lower()
	require.Error(t, err)
}

func keysOf(c Catalogue) (all []string) {
	for k := range c {
		all = append(all, k)
	}
	return all
}
