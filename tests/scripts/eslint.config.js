// Rules for the page's own JavaScript and for its tests.
import js from "@eslint/js";
import globals from "globals";

const LONGEST = 120;

export default [
  js.configs.recommended,
  {
    rules: {
      "no-shadow": "error",
      "no-undef": "error",
      "no-unused-vars": ["error", { args: "all", argsIgnorePattern: "^_" }],
      "no-use-before-define": ["error", { functions: false, classes: false }],
      "no-var": "error",
      "prefer-const": "error",
      eqeqeq: "error",
      "max-len": ["error", { code: LONGEST }],
      "max-lines": ["error", 500],
    },
  },
  { files: ["**/page/scripts/*.js"], languageOptions: { globals: globals.browser } },
  { files: ["tests/**/*.js"], languageOptions: { globals: globals.node } },
];
