#!/bin/sh
# about: one dash too many: "everybody in office, and everybody called audit here" instead of "audit in office"; and the newer policy is thought to win
# fails: audit: A dash begins another way in
# fails: sum: Everything that any policy mentions is open
# answer: sum blog
set -e
sed -i 's/^  # /  /' db.yaml
cat >> db.yaml <<MORE
  - from:
    - namespaceSelector:
        matchLabels: {team: office}
    - podSelector:
        matchLabels: {app: audit}
MORE
kubectl apply -f db.yaml
cat >> till.yaml <<MORE
  - ports:
    - {port: 53, protocol: UDP}
    - {port: 53, protocol: TCP}
MORE
kubectl apply -f till.yaml
