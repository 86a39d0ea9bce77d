package deadline

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// refused are changes to the example that make a set that must be refused: by
// the schema too, if shape is set; else only the decoder can tell.
var refused = map[string]struct {
	old, new string
	shape    bool
}{
	"no format":                  {`"format": "troth.deadline.set/1",`, ``, true},
	"another format":             {`set/1`, `set/2`, true},
	"a name in capitals":         {`"set": "example"`, `"set": "Example"`, true},
	"version 0":                  {`"version": 3`, `"version": 0`, true},
	"a version in text":          {`"version": 3`, `"version": "3"`, true},
	"a version with a fraction":  {`"version": 3`, `"version": 3.5`, true},
	"no title":                   {`"title": "An example",`, ``, true},
	"an empty title":             {`"An example"`, `""`, true},
	"a title of blanks":          {`"An example"`, `"  "`, true},
	"a title of two lines":       {`"An example"`, `"An\nexample"`, true},
	"a title that turns text":    {`"An example"`, `"An \u202eexample"`, false},
	"a title that hides text":    {`"An example"`, `"An\u200b example"`, false},
	"a title of other lines":     {`"An example"`, `"An\u2028example"`, false},
	"a title of other blanks":    {`"An example"`, `"An\u00a0example"`, false},
	"a title of control codes":   {`"An example"`, `"An\u0085example"`, false},
	"no day":                     {"\n" + `  "as_of": "2026-11-22",`, ``, true},
	"a day that does not exist":  {"\n" + `  "as_of": "2026-11-22",`, "\n" + `  "as_of": "2026-11-31",`, false},
	"a day in another form":      {"\n" + `  "as_of": "2026-11-22",`, "\n" + `  "as_of": "22.11.2026",`, true},
	"an unknown field":           {`"version": 3,`, `"version": 3, "author": "me",`, true},
	"a field in capitals":        {`"version": 3`, `"Version": 3`, true},
	"a field twice":              {`"version": 3,`, `"version": 3, "version": 3,`, false},
	"a field twice, once hidden": {`"version": 3,`, `"version": 3, "versi\u006fn": 3,`, false},
	"a version with an exponent": {`"version": 3`, `"version": 3e0`, false},
	"null":                       {`"note": "a remark"`, `"note": null`, true},
	"null for an object":         {`"extension": {"period": "P2M", "count": 1, "chain": "direct"}`, `"extension": null`, true},
	"something behind it":        {"\n  ]\n}", "\n  ]\n} {}", true},
	"an empty list":              {`"start": [{"event": "aware"}]`, `"start": []`, true},
	"an empty object":            {`{"period": "P2M", "count": 1, "chain": "direct"}`, `{}`, true},

	"an unknown field of a rule":     {`"note": "a remark"`, `"remark": "a remark"`, true},
	"an unknown field of a template": {`"name": "answer",`, `"name": "answer", "citation": "x",`, true},
	"an unknown field of a start":    {`{"event": "aware"}`, `{"event": "aware", "at": "once"}`, true},
	"a template twice":               {`"templates": [`, `"templates": [{"name": "answer"}, `, false},
	"a template that is not there":   {`"use": "answer"`, `"use": "reply"`, false},
	"a template that nobody uses":    {`"templates": [`, `"templates": [{"name": "reply"}, `, false},
	"a template without a name":      {`"name": "answer",`, ``, true},

	"no id":                            {`"id": "example.breach.authority",`, ``, true},
	"an id of two parts":               {`example.breach.authority`, `breach.authority`, true},
	"an id of four parts":              {`example.breach.authority`, `an.example.breach.authority`, true},
	"an id in capitals":                {`example.breach.authority`, `Example.breach.authority`, true},
	"an id of another duty":            {`example.breach.authority`, `example.access.authority`, false},
	"an id of another clock":           {`example.breach.authority`, `example.breach.subject`, false},
	"an unknown duty":                  {`"duty": "breach"`, `"duty": "leak"`, true},
	"no duty":                          {`"duty": "breach",`, ``, true},
	"an unknown kind":                  {`"notify-authority"`, `"notify-everybody"`, true},
	"an unknown sense":                 {`"no-later-than"`, `"soon"`, true},
	"an unknown event":                 {`{"event": "aware"}`, `{"event": "afraid"}`, true},
	"an unknown first day":             {`"first_day": "included"`, `"first_day": "maybe"`, true},
	"an unknown roll":                  {`"roll": "none"`, `"roll": "back"`, true},
	"an unknown reading":               {`"reading": "no-roll"`, `"reading": "no-rule"`, true},
	"an unknown chain":                 {`"chain": "direct"`, `"chain": "loose"`, true},
	"an unknown way to pause":          {`"days": "difference"`, `"days": "some"`, true},
	"an unknown confidence":            {`"unverified"`, `"certain"`, true},
	"no confidence":                    {`"confidence": "unverified",`, ``, true},
	"no citation":                      {`"citation": "Example Act, s. 2",`, ``, true},
	"an empty citation":                {`"Example Act, s. 2"`, `""`, true},
	"no as-of date":                    {`"as_of": "2026-11-22",` + "\n      \"confidence\": \"unv", `"confidence": "unv`, true},
	"no period":                        {`"period": "PT72H",`, ``, true},
	"a period without a figure":        {`"PT72H"`, `"PT"`, true},
	"a negative period":                {`"PT72H"`, `"-PT72H"`, true},
	"a period in another form":         {`"PT72H"`, `"P3DT0H"`, false},
	"a period of nothing":              {`"PT72H"`, `"P0D"`, false},
	"hours and days":                   {`"PT72H"`, `"P1DT48H"`, false},
	"business days without a calendar": {`"PT72H"`, `"P3B"`, false},
	"business days and days":           {`"P1M"`, `"P1D3B"`, false},
	"hours that roll":                  {`"roll": "none"`, `"roll": "next-working-day", "calendar": "eu"`, false},
	"a roll without a calendar":        {`"calendar": "weekdays",`, ``, false},
	"a calendar in capitals":           {`"weekdays"`, `"Weekdays"`, true},
	"at once with a figure":            {`"no-later-than"`, `"at-once"`, false},
	"hours from the latest of two":     {`[{"event": "aware"}]`, `[{"event": "aware"}, {"event": "received"}]`, false},
	"a first event that is asked for":  {`{"event": "received"}, `, `{"event": "received", "asked": "sent"}, `, false},
	"an event asked for by itself":     {`"asked": "fee-asked"`, `"asked": "fee-paid"`, false},
	"an event twice":                   {`{"event": "fee-paid"`, `{"event": "received"`, false},
	"hours after an event":             {`"asked": "fee-asked"`, `"after": "PT1H"`, false},
	"an extension of nothing":          {`"P2M"`, `"P0D"`, false},
	"an extension of business days":    {`"P2M"`, `"P5B"`, false},
	"an extension without measure":     {`"P2M"`, `"P9999M"`, false},
	"an extension never taken":         {`"count": 1`, `"count": 0`, true},
	"an extension without end":         {`"count": 1`, `"count": 13`, true},
	"a pause from and to the same":     {`"to": "identity-confirmed"`, `"to": "identity-asked"`, false},
	"a law that ends before it begins": {`"to": "2030-12-31"`, `"to": "2019-12-31"`, false},
	"no first day in force":            {`"in_force": {"from": "2020-01-01"},`, ``, true},
	"a doubt twice":                    {`"chained-extension"`, `"no-roll"`, false},
	"a doubt without a reason":         {`, "why": "somebody doubts it"`, ``, true},
	"a doubt that changes nothing":     {`"roll": "next-working-day"`, `"roll": "none"`, false},
	"a doubt about a minimum":          {`"without-undue-delay"`, `"not-before"`, false},
	"an id twice":                      {`"rules": [`, `"rules": [{"id": "example.access.respond", "duty": "access", "use": "answer", "title": "answer", "citation": "x", "as_of": "2026-11-22", "confidence": "verified"}, `, false},
}

func TestParseSet_RefusesAndTheSchemaAgrees(t *testing.T) {
	checker := newSchemaChecker(t)
	text := exampleSet(t)
	require.NoError(t, checker.accepts([]byte(text)))
	for name, c := range refused {
		changed := strings.Replace(text, c.old, c.new, 1)
		require.NotEqual(t, text, changed, name)
		_, err := ParseSet([]byte(changed))
		_, ok := errors.AsType[*SetError](err)
		require.True(t, ok, "%s: %v", name, err)
		require.Equal(t, c.shape, checker.accepts([]byte(changed)) != nil, "%s: %v", name, err)
	}
}

func TestParseSet_RefusesWhatIsNoSet(t *testing.T) {
	for name, text := range map[string]string{
		"nothing": "", "no object": "[1]", "an open object": "{", "a word": "rules", "text": `"rules"`, "null": "null",
		"not UTF-8": "{\"format\": \"\xff\"}", "too deep": strings.Repeat(`{"a":`, 20) + "1" + strings.Repeat("}", 20),
		"a version too large": strings.Replace(exampleSet(t), `"version": 3`, `"version": 99999999999999999999`, 1),
		"a lone surrogate":    strings.Replace(exampleSet(t), "An example", `An \ud800 example`, 1),
	} {
		_, err := ParseSet([]byte(text))
		_, ok := errors.AsType[*SetError](err)
		require.True(t, ok, name)
	}
}
