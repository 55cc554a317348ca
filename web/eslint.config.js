import { defineConfig, globalIgnores } from "eslint/config";
import tseslint from "typescript-eslint";

export default defineConfig(
  globalIgnores(["dist/", "node_modules/", "eslint.config.js"]),
  ...tseslint.configs.strictTypeChecked,
  ...tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "max-lines": ["error", 400],
      "max-lines-per-function": ["error", 60],
      "max-depth": ["error", 3],
      "no-restricted-properties": [
        "error",
        { property: "innerHTML", message: "build elements; text stays text" },
        { property: "outerHTML", message: "build elements; text stays text" },
      ],
      "@typescript-eslint/no-unnecessary-type-parameters": "off", // need<T>() names the element that a page promises
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
    },
  },
);
