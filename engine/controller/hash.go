package controller

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/utils/dump"
)

// TemplateHash names a pod template, as in web-5d4f8c7b9: the same template has the same name in Kubernetes of the same
// version. collisions makes another name when two templates share one.
func TemplateHash(template *corev1.PodTemplateSpec, collisions *int32) string {
	h := fnv.New32a()
	_, _ = io.WriteString(h, dump.ForHash(*template)) // a Hash never returns an error
	if collisions != nil {
		// Four of the eight bytes stay zero, as upstream writes them.
		_, _ = h.Write(binary.LittleEndian.AppendUint64(nil, uint64(uint32(*collisions))))
	}
	return rand.SafeEncodeString(fmt.Sprint(h.Sum32()))
}
