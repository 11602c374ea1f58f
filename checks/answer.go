package checks

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// answerCheck is a compiled AnswerSpec.
type answerCheck struct{ spec AnswerSpec }

func compileAnswer(s AnswerSpec) (Check, error) {
	forms := 0
	for _, is := range []bool{len(s.Choice) > 0, s.Number != nil, s.Text != nil} {
		if is {
			forms++
		}
	}
	if forms != 1 {
		return nil, errors.New("an answer is exactly one of choice, number, text")
	}
	if s.Number != nil && s.Number.Tolerance <= 0 {
		return nil, at(errors.New("a number needs a tolerance above 0; 0.5 takes whole numbers exactly"), "number", "tolerance")
	}
	if err := checkOptions(s.Choice); err != nil {
		return nil, err
	}
	if _, _, err := splitKey(s.Key); err != nil {
		return nil, at(err, "key")
	}
	return &answerCheck{s}, nil
}

func checkOptions(options []Option) error {
	seen := map[string]bool{}
	for i, o := range options {
		switch {
		case o.ID == "" || o.Text.Empty():
			return at(errors.New("an option needs an id and a text"), "choice", fmt.Sprint(i))
		case seen[o.ID]:
			return at(fmt.Errorf("option %q is there twice", o.ID), "choice", fmt.Sprint(i))
		}
		seen[o.ID] = true
	}
	if len(options) == 1 {
		return at(errors.New("a choice needs at least two options"), "choice")
	}
	return nil
}

func (c *answerCheck) Needs() Needs { return Needs{Answers: true} }

func (c *answerCheck) Ask(_ context.Context, v View) Result {
	given, ok := "", false
	if v.Answers != nil {
		given, ok = v.Answers.Answer(v.Goal)
	}
	if !ok {
		return Result{Outcome: Fail, Cause: "no-answer", Expected: wantAnswer.with(), Seen: noAnswerYet.with()}
	}
	word, err := c.spec.canonical(given)
	if err != nil {
		return Result{
			Outcome: Fail, Cause: "not-a-number", Expected: wantNumber.with(),
			Seen: answered.with(given), Why: whyAnswer.with(),
		}
	}
	if c.spec.opens(word) {
		return Result{Outcome: Pass, Expected: wantAnswer.with(), Seen: answered.with(c.readable(given))}
	}
	return Result{
		Outcome: Fail, Cause: "wrong-answer", Expected: notTheAnswer.with(),
		Seen: answered.with(c.readable(given)), Why: c.spec.wrong(word),
	}
}

// readable is the answer as the learner chose it: the text of an option rather than its id.
func (c *answerCheck) readable(given string) Text {
	for _, o := range c.spec.Choice {
		if o.ID == strings.TrimSpace(given) {
			return o.Text
		}
	}
	return plainText(show(strings.TrimSpace(given)))
}

func (s AnswerSpec) wrong(word string) Text {
	for _, key := range []string{word, "*"} {
		if t, ok := s.Wrong[key]; ok {
			return t
		}
	}
	return whyAnswer.with()
}

// canonical is an answer in the one spelling that is hashed. For a number it is the index of the interval it falls in:
// intervals are as wide as twice the tolerance, and the offset in the key puts the right number into the middle of one,
// so a hash can be compared although the answer need not be exact.
func (s AnswerSpec) canonical(given string) (string, error) {
	given = strings.Join(strings.Fields(given), " ")
	switch {
	case s.Number != nil:
		x, err := parseNumber(given, s.Number.Unit)
		if err != nil {
			return "", err
		}
		offset, _, err := s.offset()
		if err != nil {
			return "", err
		}
		return strconv.FormatFloat(math.Floor((x-offset)/(2*s.Number.Tolerance)), 'f', 0, 64), nil
	case s.Text != nil && !s.Text.CaseMatters:
		return strings.ToLower(given), nil
	default:
		return given, nil
	}
}

func parseNumber(s, unit string) (float64, error) {
	s = strings.TrimSpace(strings.TrimSuffix(s, unit))
	x, err := strconv.ParseFloat(strings.ReplaceAll(s, ",", ""), 64)
	if err != nil || math.IsInf(x, 0) || math.IsNaN(x) {
		return 0, fmt.Errorf("%q is not a number", s)
	}
	return x, nil
}

// A key is "hmac-sha256:SALT:MAC", for a number "hmac-sha256:SALT@OFFSET:MAC".
const keyScheme = "hmac-sha256"

func splitKey(key string) (salt, mac string, err error) {
	parts := strings.Split(key, ":")
	if len(parts) != 3 || parts[0] != keyScheme || parts[1] == "" {
		return "", "", errors.New("the key is not a sealed answer; make one with: drydock pack seal LESSON GOAL ANSWER")
	}
	if sum, err := hex.DecodeString(parts[2]); err != nil || len(sum) != sha256.Size {
		return "", "", errors.New("the key is damaged: its last part is not a SHA-256 sum in hexadecimal")
	}
	return parts[1], parts[2], nil
}

func (s AnswerSpec) offset() (float64, bool, error) {
	salt, _, err := splitKey(s.Key)
	if err != nil {
		return 0, false, err
	}
	_, text, found := strings.Cut(salt, "@")
	if !found {
		return 0, false, nil
	}
	x, err := strconv.ParseFloat(text, 64)
	return x, true, err
}

func (s AnswerSpec) opens(word string) bool {
	salt, mac, err := splitKey(s.Key)
	if err != nil {
		return false
	}
	return hmac.Equal([]byte(mac), []byte(macOf(salt, word)))
}

func macOf(salt, word string) string {
	h := hmac.New(sha256.New, []byte(salt))
	h.Write([]byte(word))
	return hex.EncodeToString(h.Sum(nil))
}

// Seal makes the key of an answer. The key does not hold the answer; it keeps an honest reader of the pack from seeing
// it by accident, not a determined one from trying all possible answers.
func (s AnswerSpec) Seal(answer string) (string, error) {
	if len(s.Choice) > 0 && !slices.ContainsFunc(s.Choice, func(o Option) bool { return o.ID == answer }) {
		return "", fmt.Errorf("%q is not the id of an option", answer)
	}
	salt := make([]byte, 8)
	if _, err := rand.Read(salt); err != nil {
		return "", fmt.Errorf("make a salt: %w", err)
	}
	head := hex.EncodeToString(salt)
	if s.Number != nil {
		x, err := parseNumber(answer, s.Number.Unit)
		if err != nil {
			return "", err
		}
		width := 2 * s.Number.Tolerance
		offset := math.Mod(x-s.Number.Tolerance, width)
		head += "@" + strconv.FormatFloat(offset, 'g', -1, 64)
	}
	s.Key = keyScheme + ":" + head + ":" + strings.Repeat("0", 2*sha256.Size)
	word, err := s.canonical(answer)
	if err != nil {
		return "", err
	}
	return keyScheme + ":" + head + ":" + macOf(head, word), nil
}
