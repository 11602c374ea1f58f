#!/bin/sh
# about: everything of the namespace is closed in both directions, and one policy for each way that is open; expressions, the namespace by its name, a range of ports
# answer: sum both
set -e
policy() { # NAME SPEC
  kubectl create -f - <<MANIFEST
{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "$1"}, "spec": $2}
MANIFEST
}
policy closed '{"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}'
policy names '{"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]}]}'
policy blog '{"podSelector": {"matchLabels": {"app": "blog"}}, "ingress": [{"from": [{"namespaceSelector": {}}]}]}'
policy till-out '{"podSelector": {"matchLabels": {"app": "till"}}, "policyTypes": ["Egress"], "egress": [{"to": [{"podSelector": {"matchExpressions": [{"key": "app", "operator": "In", "values": ["db"]}]}}]}]}'
policy till-in '{"podSelector": {"matchLabels": {"app": "db"}}, "ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "till"}}}], "ports": [{"port": 8000, "endPort": 8099}]}]}'
policy audit-in '{"podSelector": {"matchLabels": {"app": "db"}}, "ingress": [{"from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "office"}}, "podSelector": {"matchLabels": {"app": "audit"}}}]}]}'
